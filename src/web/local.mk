# web: the only user of libfcgi.

noinst_LIBRARIES += libweb.a
libweb_a_CPPFLAGS = $(AM_CPPFLAGS) $(JSONC_CFLAGS)
libweb_a_SOURCES = \
	%D%/actor.c %D%/actor.h \
	%D%/audit.c %D%/audit.h \
	%D%/bearer.c %D%/bearer.h \
	%D%/body.c %D%/body.h \
	%D%/content.c \
	%D%/cors.c %D%/cors.h \
	%D%/cursor.c %D%/cursor.h \
	%D%/doer.h \
	%D%/dispatch.c %D%/dispatch.h \
	%D%/fastcgi.c %D%/fastcgi.h \
	%D%/field.h \
	%D%/fill.c %D%/fill.h \
	%D%/gate.c %D%/gate.h \
	%D%/guard.c %D%/guard.h \
	%D%/held.c %D%/held.h \
	%D%/record.h \
	%D%/idempotency.c %D%/idempotency.h \
	%D%/issuer.c %D%/issuer.h \
	%D%/listen.c %D%/listen.h \
	%D%/like.c %D%/like.h \
	%D%/listing.c %D%/listing.h \
	%D%/mail-secret.c %D%/mail-secret.h \
	%D%/manual.c %D%/manual.h \
	%D%/openapi-answer.c %D%/openapi-parts.h %D%/openapi-shared.c \
	%D%/openapi-webhooks.c \
	%D%/openapi.c %D%/openapi.h \
	%D%/openapi-schema.c %D%/openapi-schema.h \
	%D%/page.c %D%/page.h \
	%D%/params.c %D%/params.h \
	%D%/purge.c %D%/purge.h \
	%D%/reply.c %D%/reply-error.c %D%/reply.h \
	%D%/request.c %D%/request.h \
	%D%/route.c %D%/route.h \
	%D%/sync-target.c %D%/sync-target.h \
	%D%/worker.c %D%/worker.h \
	%D%/supervisor.c %D%/supervisor.h \
	%D%/share.c %D%/share.h \
	%D%/verifier.c %D%/verifier.h

web_libs = libweb.a $(domain_libs) $(FCGI_LIBS) $(JSONC_LIBS)
