# packaging: systemd units, cron file, Debian package.
