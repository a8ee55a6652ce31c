// What the schema promises of every table, view and function, so that a new one
// does not stand outside the walls.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

const house = await stack();
const names = (text) => sql(house, text).split('\n').filter((name) => name);

/* Functions that look over the walls, and why each may. */
const over = {
	login: ['login_find', 'login_failed', 'password_rehash', 'session_open',
		'session_end'],
	'links that are mailed': ['door_application', 'door_user_at',
		'door_one_time_add', 'door_one_time_look', 'door_one_time_use',
		'door_invite_look',
		'door_user_make', 'door_invite_accept', 'door_password_reset'],
	'grants and what renews them': ['door_client_find', 'door_code_add',
		'door_code_redeem', 'door_consent_look', 'door_consent_put',
		'door_device_add', 'door_device_decide', 'door_device_look',
		'door_device_redeem', 'door_refresh_look', 'door_refresh_open',
		'door_refresh_revoke', 'door_refresh_rotate', 'door_session_revoke',
		'door_token_alive'],
	'who may be assigned': ['account_person'],
	'who is asking': ['door_external_bearer', 'guard_client', 'guard_lease',
		'guard_look', 'guard_session', 'guard_token', 'guard_token',
		'guard_token', 'rights_of',
		'scope_admin',
		'scope_origin',
		'scope_owner'],
	'who watches': ['guard_watch', 'watch_follow', 'watch_leave'],
	work: ['job_claim', 'job_give_back', 'job_release_dead', 'poll_enqueue',
		'poll_preview', 'token_enqueue', 'work_next_at'],
	'sums for a monitor': ['hold_figures', 'watch_beats', 'watch_metrics', 'work_metrics'],
	'a poll asked for from outside': ['poll_begin', 'poll_mark',
		'poll_seen'],
	'what a command line names': ['account_known', 'job_known'],
	'mail of the service': ['door_outgoing_add',
		'door_outgoing_claim',
		'door_outgoing_clear', 'door_outgoing_end', 'door_outgoing_give_back',
		'door_outgoing_send', 'outgoing_next_at'],
	'deliveries to webhooks': ['delivery_claim', 'delivery_end',
		'delivery_give_back', 'delivery_next_at', 'delivery_waiting'],
	'events of the payment service': ['billing_event_take'],
	'what plans allow': ['plan_room', 'plan_state'],
	'second factors': ['door_factor_begin', 'door_factor_codes',
		'door_factor_confirm', 'door_factor_drop', 'door_factor_look',
		'door_factor_try', 'door_session_age', 'door_step_pass', 'door_step_try',
		'scope_lacks_factor'],
	'old rows': ['billing_clear', 'event_clear', 'half_sign_in_clear',
		'hold_senders_due', 'housekeep', 'housekeeping_begin', 'raw_unused',
		'thread_clear'],
	'accounts beside one\'s own': ['account_close', 'account_make',
		'door_account_switch'],
	'accounts that go, in a job': ['account_remove_last',
		'account_remove_some'],
	'users who are no members': ['member_to_be', 'user_spare'],
	'another password': ['door_password_of', 'door_password_set'],
	'what happened': ['audit_add', 'audit_clear', 'audit_read', 'audit_seal',
		'door_refused'],
	'words, since no index of them is used behind a policy': ['search_find'],
	'SMTP proxies, which are no tenant\'s': ['smtp_server_beat',
		'smtp_server_end', 'smtp_servers'],
	triggers: ['account_labels', 'thread_changed', 'thread_follow',
		'thread_forget', 'thread_made', 'client_ended', 'half_sign_in_cut', 'mail_gone',
		'member_rights_changed', 'plan_holds', 'plan_holds_bytes',
		'session_ended', 'session_needs_factor'],
};

describe('the schema', () => {
	test('has row-level security on every table', () => {
		assert.deepEqual(names(`SELECT relname FROM pg_class
			WHERE relnamespace = 'letterrack'::regnamespace AND relkind = 'r'
			AND NOT relrowsecurity`), ['migration']);
	});
	test('hides what hangs on a personal mail account, in every table that ' +
		'names one', () => {
		assert.deepEqual(names(`SELECT DISTINCT attrelid::regclass::text
			FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
			WHERE relnamespace = 'letterrack'::regnamespace AND relkind = 'r'
			AND attname IN ('credential_id', 'target_credential_id',
			'mailbox_id', 'email_id') AND NOT EXISTS (SELECT FROM pg_policy
			WHERE polrelid = attrelid AND polname = 'personal'
			AND NOT polpermissive)`), []);
	});
	test('lets nobody but these functions look over the walls', () => {
		const found = names(`SELECT proname FROM pg_proc WHERE prosecdef
			AND pronamespace = 'letterrack'::regnamespace`);
		assert.deepEqual(found.sort(), Object.values(over).flat().sort());
	});
	test('pins the search path of each of them', () => {
		assert.deepEqual(names(`SELECT proname FROM pg_proc WHERE prosecdef
			AND pronamespace = 'letterrack'::regnamespace AND NOT EXISTS
			(SELECT FROM unnest(proconfig) c WHERE c LIKE 'search_path=%')`),
		[]);
	});
	test('gives the public nothing', () => {
		assert.deepEqual(names(`SELECT proname FROM pg_proc
			WHERE pronamespace = 'letterrack'::regnamespace AND EXISTS (SELECT
			FROM aclexplode(coalesce(proacl, acldefault('f', proowner)))
			WHERE grantee = 0)`), []);
		assert.deepEqual(names(`SELECT relname FROM pg_class
			WHERE relnamespace = 'letterrack'::regnamespace AND EXISTS (SELECT
			FROM aclexplode(relacl) WHERE grantee = 0)`), []);
	});
	test('shows views, and lets nobody write through one', () => {
		assert.deepEqual(names(`SELECT relname FROM pg_class
			WHERE relnamespace = 'letterrack'::regnamespace AND relkind = 'v'
			AND has_table_privilege('letterrack', oid,
			'INSERT, UPDATE, DELETE')`), []);
	});
	test('has a door that reads no mail', () => {
		assert.deepEqual(names(`SELECT relname FROM pg_class
			WHERE relnamespace = 'letterrack'::regnamespace
			AND relkind IN ('r', 'v')
			AND has_any_column_privilege('letterrack_auth', oid, 'SELECT')
			ORDER BY 1`), ['account', 'app_user', 'application', 'client',
			'idempotency',
			'membership', 'migration']);
	});
});
