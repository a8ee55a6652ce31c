/* Records of FastCGI that we write. */
#ifndef WEB_RECORD_H
#define WEB_RECORD_H

#include <fastcgi.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* What one record of the protocol holds, in eights. */
#define RECORD_MOST ((size_t)65528)

static inline FCGI_Header
record_head(int request, unsigned char type, size_t n)
{
	return (FCGI_Header){
		.version = FCGI_VERSION_1,
		.type = type,
		.requestIdB1 = (unsigned char)(request >> 8),
		.requestIdB0 = (unsigned char)request,
		.contentLengthB1 = (unsigned char)(n >> 8),
		.contentLengthB0 = (unsigned char)n,
	};
}

/* What ends an answer. */
struct record_last {
	FCGI_Header end;
	FCGI_EndRequestRecord request;
};

static inline struct record_last
record_last(int request)
{
	return (struct record_last){ record_head(request, FCGI_STDOUT, 0),
		{ record_head(
		      request, FCGI_END_REQUEST, sizeof(FCGI_EndRequestBody)),
		    { .protocolStatus = FCGI_REQUEST_COMPLETE } } };
}

static inline struct iovec
record_piece(const void *p, size_t n)
{
	return (struct iovec){ (void *)(uintptr_t)p, n };
}

#endif
