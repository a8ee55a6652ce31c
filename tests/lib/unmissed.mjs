// Statements whose account no question of the matrix can show to be needed, and
// why; mutants.mjs holds each line to it.

const all = (names, reason) => Object.fromEntries(names.trim().split(/\s+/)
	.map((name) => [name, reason]));

/** Run by operations, and yet nobody would see or lose anything. */
export const idle = {
	email_hold: 'the statements behind it lock the same email, found in the ' +
		'account',
	job_log: 'the mail account is its job\'s, by a foreign key',
	note_insert: 'its thread is one of the account, by a foreign key',
	presence_get: 'its thread is one of the account, by a foreign key, and ' +
		'was found there',
	search_hits: 'its ids are those of search_find, which holds the account ' +
		'against the caller\'s',
	task_forget_job: 'its task is that of the job, which was found in the ' +
		'account',
	task_waiting: 'what is to be once only is named by the mail account, ' +
		'which was found in the account',
	thread_label_full: 'its threads are those that thread_lock_all found',
};

const lease = 'the account is that of the leased job, which guard_lease holds ' +
	'against the database, and ';

/** Run by workers alone, which nobody can hand an account or an id: whence they
 * have them. */
export const ofWorkers = {
	...all(`mailbox_cursors mailbox_describe mailbox_miss mailbox_remove
		mailbox_unchanged mailbox_begin mailbox_move_cursor mailbox_in_step
		mailbox_refuse mailbox_close mailbox_failed mailbox_suspect mailbox_park
		mailbox_held mailbox_set_apart mailbox_grows`,
	`${lease}the folders are those of its mail account`),
	...all(`placement_ranges placement_ingest placement_rematch placement_flag
		placement_expunge placement_expunge_stale placement_expunge_removed
		placement_mark_copies placement_flag_change skipped_due skipped_try
		skipped_rest skipped_mend event_received report_note hold_arrive
		snippet_due snippet_store snippet_miss snippet_in_step snippet_done
		snippet_again search_in_step`,
	`${lease}the mail is what its server tells in its folders`),
	...all(`flag_due flag_done flag_forget_gone expunge_due mailbox_expunged
		expunge_done expunge_refuse move_possible move_by_size move_lying
		move_by_envelope move_place move_place_alike move_hash transfer_due
		transfer_intend transfer_done transfer_not_done transfer_failed`,
	`${lease}what is to be told its server are rows of it`),
	...all(`hold_take hold_return hold_quarantine hold_inbox hold_target
		hold_work hold_taken hold_gone hold_pass hold_forget hold_intend
		hold_copied hold_due_again hold_place hold_place_owner hold_held
		hold_leave hold_filed hold_released hold_refused hold_form
		hold_form_lost hold_expired hold_over hold_bytes_gone hold_uses
		given_send`, `${lease}what is held are rows of its mail account`),
	...all('given_sender given_senders given_is_new given_envelope',
		'the account is that of the password which the program was given'),
	...all(`rebuild_shaped rebuild_mail rebuild_known rebuild_people
		rebuild_alike rebuild_make rebuild_put rebuild_tell plan_take
		submission_settle_row`, 'an operator names the account'),
	...all('watcher_told watcher_told_at watcher_looked watcher_hurry ' +
		'watcher_state watcher_inbox watcher_event',
	'the mail account is one that the program has claimed'),
	...all(`report_take report_submission report_recipients report_settle
		report_read`, `${lease}the reports are mail of its account`),
	...all(`submission_filer submission_take submission_intend
		submission_confirm submission_file_with submission_known
		submission_again submission_log submission_filing_get submission_place
		submission_filed event_insert`,
	`${lease}the message is its task's, and so is what is told of it`),
	...all(`credential_works credential_fails credential_renew_take
		credential_renewed credential_renew_rest credential_renew_refused
		credential_renew_warn`, `${lease}the mail account is its own`),
	...all('job_renew', 'the account stands in the lease, beside its token'),
	...all('threading_is_due threading_reopen threading_people ' +
		'threading_alike',
		`${lease}the threads are those of mail it has threaded`),
};

/** Run by operations, when a server has answered, which none does here: what
 * stands before them. */
export const unasked = {
	...all('content_record email_part_make email_part_make_told ' +
		'email_part_record',
	'the email is the one that content_source found in the account'),
	...all('transfer_seen_list submission_seen_of submission_recipients',
		'the task is the one that the request has begun in the account'),
	...all('held_edit held_release held_discard held_folder hold_event',
		'held_lock has found the hold in the account'),
	forward_mails: 'the thread was found in the account',
	presence_drop: 'the thread was found in the account',
	review_account_list: 'it is a page of the review door alone, where ' +
		'interception.test asks as one of another account',
	...all(`billing_customer_of billing_intent_end_old
		billing_intent_end_path billing_intent_end billing_subscription_put
		billing_invoice_put billing_subscription_forget subscription_named
		subscription_is_live billing_begun billing_begun_over`,
	'the service is asked of what the caller\'s ' +
		'account has; subscriptions.test has it tell of others'),
	...all('provider_credential_tested provider_credential_secret_set job_fence',
		'the mail account was found, and its job begun, in the account'),
};
