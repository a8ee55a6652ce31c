# sql: migrations and statements.
#
#	migrationsdir = $(datadir)/letterrack/migrations
#	dist_migrations_DATA = %D%/migrations/0001-thing.sql
