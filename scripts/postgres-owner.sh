#!/bin/sh
# Run once by the PostgreSQL image when the data folder is new: the login that owns the service's
# database. It makes the roles that migrations ask for; it is no superuser and passes no policy by.
set -eu

psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --set password="$OWNER_PASSWORD" \
    --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE ivr_bridge LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB CREATEROLE PASSWORD :'password';
CREATE DATABASE ivr_bridge OWNER ivr_bridge;
SQL
