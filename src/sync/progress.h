/* One line on a terminal, for who waits: folder, messages, rate, time left. */
#ifndef SYNC_PROGRESS_H
#define SYNC_PROGRESS_H

#include "domain/sync/sync.h"

void progress_begin(struct job_host *);
void progress_end(void); /* wipes the line, if there is one */

#endif
