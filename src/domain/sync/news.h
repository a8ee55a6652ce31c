/* New mail that a watcher was told of, held on the watcher's own session: no
 * other is dialled for it, and nothing stands before it. It is the run of a job
 * like any other, leased and fenced, and what it does to a message is what the
 * job of a worker does (hold.c). What it cannot do it leaves to that: the job
 * is given back, or tried again. */
#ifndef DOMAIN_SYNC_NEWS_H
#define DOMAIN_SYNC_NEWS_H

#include "domain/job-run.h"
#include "mail/imap-watch.h"

struct sync_news {
	struct imap_watch *watch; /* borrowed; its folder, INBOX, is open */
	bool other;               /* out: something else has changed there */
};

/* For job_run_as, with a struct sync_news. */
job_run_fn sync_news_run;

#endif
