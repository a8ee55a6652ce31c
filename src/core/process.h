/* What every process that stays, or holds keys, does first. */
#ifndef CORE_PROCESS_H
#define CORE_PROCESS_H

/* For a process that holds keys: PR_SET_DUMPABLE 0, RLIMIT_CORE 0. */
void process_harden(void);

/* TERM and INT end it, HUP has it read again (what ends it, where there is
 * nothing to read); a peer that is gone is an error of the write. */
void process_signals(void (*end)(int), void (*again)(int));

#endif
