-- Runs once, as the superuser, when PostgreSQL's volume is empty. The application's role owns its
-- database and nothing else.
\set password `cat /run/secrets/database_password`
CREATE ROLE app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
CREATE DATABASE app OWNER app;
REVOKE ALL ON DATABASE app, postgres FROM PUBLIC;
