#include "sync/progress.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"

#define PAUSE_MS  200
#define NAME_MOST 40

static struct {
	bool on, shown;
	char folder[NAME_MOST + 1];
	int64_t began_ms, told_ms;
} line;

static void
folder_begin(const char *folder, int64_t now)
{
	size_t n = utf8_cut(folder, strlen(folder), NAME_MOST);

	if (strncmp(line.folder, folder, n) == 0 && line.folder[n] == '\0')
		return;
	memcpy(line.folder, folder, n);
	line.folder[n] = '\0';
	line.began_ms = now;
	line.told_ms = 0;
}

/* A folder's name comes from afar: nothing in it may move the cursor. */
static void
put_name(void)
{
	for (const char *p = line.folder; *p != '\0'; p++)
		fputc((unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p, stderr);
}

static void
tell(void *arg, const char *folder, int64_t done, int64_t total)
{
	int64_t now = clock_steady_ms(), rate;

	(void)arg;
	folder_begin(folder, now);
	if (now - line.told_ms < PAUSE_MS && done < total)
		return;
	line.told_ms = now;
	rate = done * 1000 / (now - line.began_ms + 1);
	fputs("\r\033[K", stderr);
	put_name();
	fprintf(stderr, "  %lld of %lld  %lld/s", (long long)done,
	    (long long)total, (long long)rate);
	if (rate > 0)
		fprintf(stderr, "  %lld s left",
		    (long long)((total - done) / rate));
	fflush(stderr);
	line.shown = true;
}

void
progress_begin(struct job_host *host)
{
	host->progress = tell;
	line.on = true;
}

void
progress_end(void)
{
	if (line.shown)
		fputs("\r\033[K", stderr);
	line.shown = false;
	line.folder[0] = '\0';
}
