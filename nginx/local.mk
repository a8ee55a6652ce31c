# nginx: the map from a path's noun to its responder. Installed as data: the
# operator's nginx includes the files where they lie (letterrack.conf shows how).

nginxdir = $(datadir)/letterrack/nginx
dist_nginx_DATA = %D%/app.conf %D%/door.conf
nodist_nginx_DATA = %D%/upstreams.conf %D%/cache.conf %D%/letterrack.conf
CLEANFILES += $(nodist_nginx_DATA)
EXTRA_DIST += \
	%D%/upstreams.conf.in %D%/cache.conf.in %D%/letterrack.conf.in \
	%D%/demo.conf.in

nginx_paths = \
	-e 's|@run_dir@|$(runstatedir)/letterrack|g' \
	-e 's|@cache_dir@|$(localstatedir)/lib/letterrack/cache|g' \
	-e 's|@nginx_dir@|$(nginxdir)|g'

%D%/upstreams.conf: %D%/upstreams.conf.in
%D%/cache.conf: %D%/cache.conf.in
%D%/letterrack.conf: %D%/letterrack.conf.in
$(nodist_nginx_DATA): Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) $(nginx_paths) \
		$(srcdir)/$@.in >$@.new && mv $@.new $@
