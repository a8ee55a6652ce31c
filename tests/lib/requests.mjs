// A valid request of each operation: what its body and its query have to hold,
// from the description, and where that does not say it, from here.
//
//	const { query, body } = valid(operation, { account_id, … });
//
// An operation is { method, path, schema } as `operations` gives it; the second
// argument has the ids that bodies name, by the kind as paths spell it.
import { randomBytes } from 'node:crypto';

const prefixes = { acc: 'account_id', pc: 'provider_credential_id',
	mbx: 'mailbox_id', tsk: 'task_id', uid: 'id' };

/* Where ids are plain numbers, the name says of what. */
const plain = { thread_id: 'thread_id', source_thread_id: 'thread_id',
	thread_ids: 'thread_id',
	label_id: 'label_id', rule_id: 'rule_id', signature_id: 'signature_id',
	in_reply_to_email_id: 'email_id', email_ids: 'email_id' };

/** What kind of id a field or a parameter takes; undefined: it is none. */
export function idKind(schema, name) {
	if (plain[name])
		return plain[name];
	const pattern = schema.pattern ??
		schema.anyOf?.find((s) => s.pattern)?.pattern;
	return prefixes[/^\^\(?([a-z]+)_/.exec(pattern ?? '')?.[1]];
}

/** Every operation of the documents that `wanted` takes. */
export function operations(documents) {
	return documents.flatMap((document) => Object.entries(document.paths)
		.flatMap(([path, item]) => Object.entries(item)
			.map(([method, operation]) => ({
				name: `${method.toUpperCase()} ${path}`,
				path, method: method.toUpperCase(),
				need: operation['x-least-role'],
				envelope: operation['x-envelope'],
				params: [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]),
				queries: (operation.parameters ?? [])
					.filter((q) => q.in === 'query'),
				schema: operation.requestBody?.content['application/json']
					?.schema,
				form: Boolean(operation.requestBody?.content[
					'application/x-www-form-urlencoded']),
			}))));
}

const fresh = () => `${randomBytes(6).toString('hex')}@x.test`;
const phrase = 'a long and odd pass phrase 7';

const secret = { username: 'a', password: 'b' };

const threads = (ids) => ({ thread_ids: [Number(ids.thread_id ?? 1)] });
const labelled = (ids) => ({ ...threads(ids),
	label_id: Number(ids.label_id ?? 1) });

const letter = () => ({ to: fresh(), subject: 'x', body_text: 'x' });

/* Beyond what is required, or where no value would do. */
const bodies = {
	'POST /api/accounts/{account_id}/provider-credentials': () => ({
		provider_kind: 'imap', host: '127.0.0.1', port: 9,
		security_mode: 'none', secret }),
	'PATCH /api/provider-credentials/{provider_credential_id}': () =>
		({ label: 'changed', is_default: true }),
	'POST /api/provider-credentials/{provider_credential_id}/rotate': () =>
		({ secret }),
	'POST /api/accounts/{account_id}/members': (ids) =>
		({ user_id: `uid_${ids.id}`, role: 'viewer' }),
	'PATCH /api/accounts/{account_id}/members/{member_id}': () =>
		({ role: 'member' }),
	'PATCH /api/accounts/{account_id}': () => ({ name: 'changed' }),
	'PATCH /api/clients/{client_id}': () => ({ name: 'changed' }),
	'PATCH /api/emails/{email_id}': () => ({ is_read: true }),
	'POST /api/accounts/{account_id}/emails/search-delete': (ids) =>
		({ query: ids.words ?? 'Hello', dry_run: false }),
	'POST /api/accounts/{account_id}/jobs/search-delete': (ids) =>
		({ query: ids.words ?? 'Hello', dry_run: false }),
	'POST /api/accounts/{account_id}/logs/search-delete': () =>
		({ older_than: '2000-01-01T00:00:00Z', dry_run: false }),
	'POST /api/threads/{thread_id}/split': (ids) =>
		({ email_ids: [Number(ids.email_id ?? 1)] }),
	'POST /api/threads/bulk/update': (ids) => ({ ...threads(ids),
		updates: { status: 'closed' } }),
	'POST /api/threads/bulk/delete': threads,
	'POST /api/threads/bulk/assign': (ids) => ({ ...threads(ids),
		user_id: null }),
	'POST /api/threads/bulk/status': (ids) => ({ ...threads(ids),
		status: 'closed' }),
	'POST /api/threads/bulk/labels/add': labelled,
	'POST /api/threads/bulk/labels/remove': labelled,
	'PATCH /api/tasks/{task_id}': () => ({ priority: 5, state: 'cancelled' }),
	'POST /api/user/signatures': () => ({ name: fresh(), body_text: 'x',
		is_default: true }),
	'POST /api/threads/{thread_id}/merge': (ids) =>
		({ source_thread_id: Number(ids.thread_id ?? 1) }),
	'PATCH /api/emails/{email_id}/thread': (ids) =>
		({ thread_id: Number(ids.thread_id ?? 1) }),
	'POST /api/emails/send': letter,
	'POST /api/threads/{thread_id}/reply': () => ({ body_text: 'x' }),
	'POST /api/threads/{thread_id}/forward': letter,
	'POST /api/webhooks': () => ({ url: 'https://127.0.0.1:9/hook',
		events: ['*'] }),
	'POST /api/email/{email_id}/edit': () => ({ subject: 'x' }),
	'POST /api/rules/backtest': () => ({ type: 'subject', value: 'x' }),
	'POST /api/user/imap-accounts/{imap_account_id}/transfer': (ids) => ({
		email_ids: [1],
		target_credential_id: Number(ids.provider_credential_id) }),
	'POST /api/user/imap-accounts': () => ({ email: fresh(), password: phrase,
		imap_host: '127.0.0.1', imap_port: 9, imap_encryption: 'none' }),
	'PUT /api/user/imap-accounts/{imap_account_id}': () =>
		({ is_active: false }),
	'PUT /api/webhooks/{webhook_id}': () => ({
		url: 'https://127.0.0.1:9/hook', events: ['*'] }),
	'POST /api/users': () => ({ email: fresh(), password: phrase }),
	'POST /api/applications/{application_id}/users': () =>
		({ email: fresh() }),
	'PUT /api/users/{id}': () => ({ name: 'changed' }),
	'POST /api/users/{id}/password': () => ({ current_password: 'not it',
		new_password: phrase, confirm_password: phrase }),
};

const queries = {
	'DELETE /api/emails/{email_id}': () => '?expunge=true',
	'DELETE /api/accounts/{account_id}': (ids) => ids.name === undefined ? ''
		: `?confirm=${encodeURIComponent(ids.name)}`,
};

/** The least that a schema takes. */
export function example(schema, ids = {}) {
	const kind = idKind(schema);
	if (kind)
		return Number(ids[kind] ?? 1);
	if (schema.enum)
		return schema.enum[0];
	const type = [schema.type].flat()[0];
	switch (type) {
	case 'object':
		return Object.fromEntries((schema.required ?? []).map((name) =>
			[name, example(schema.properties[name], ids)]));
	case 'array':
		return Array.from({ length: schema.minItems ?? 0 }, () =>
			example(schema.items, ids));
	case 'integer': return Math.max(schema.minimum ?? 1, 1);
	case 'boolean': return false;
	default:
		if (schema.format === 'email')
			return fresh();
		if (schema.format === 'password')
			return phrase;
		return 'x'.repeat(Math.max(schema.minLength ?? 1, 1));
	}
}

export function valid(o, ids = {}) {
	const body = bodies[o.name]?.(ids) ??
		(o.schema ? example(o.schema, ids) : undefined);
	return { query: queries[o.name]?.(ids) ?? '', body };
}
