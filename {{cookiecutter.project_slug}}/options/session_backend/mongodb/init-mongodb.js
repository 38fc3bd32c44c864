// Runs once, as root, when MongoDB's volume is empty. The application's user may read and write
// documents of its own database and create their indexes, and nothing else.
const password = require("fs").readFileSync("/run/secrets/mongodb_password", "utf8").trim();
const app = db.getSiblingDB("app");

app.createRole({
  role: "sessions",
  privileges: [
    {
      resource: { db: "app", collection: "" },
      actions: ["find", "insert", "update", "remove", "createIndex"],
    },
  ],
  roles: [],
});
app.createUser({ user: "app", pwd: password, roles: ["sessions"] });
