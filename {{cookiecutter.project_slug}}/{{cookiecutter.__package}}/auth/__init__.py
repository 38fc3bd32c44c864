"""Who somebody is: signing in and out."""
