// A browser's and a client's part of OAuth, as far as tests need them by hand.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { sql } from './sql.mjs';

export const form = (fields) => new URLSearchParams(fields);

export const pkce = () => {
	const verifier = randomBytes(32).toString('base64url');
	return { verifier, challenge: createHash('sha256').update(verifier)
		.digest('base64url') };
};

export const hash = (text) => createHash('sha256').update(text).digest('hex');

const unescape = (text) => text.replaceAll('&quot;', '"')
	.replaceAll('&#39;', '\'').replaceAll('&lt;', '<').replaceAll('&gt;', '>')
	.replaceAll('&amp;', '&');

/** The one form of a page: { action, fields } with what is hidden in it. */
export function formOf(page) {
	const action = /<form method="post" action="([^"]*)"/.exec(page)?.[1];
	assert.ok(action, page);
	const fields = {};
	for (const [, name, value] of page.matchAll(
		/<input type="hidden" name="([^"]*)" value="([^"]*)">/g))
		fields[name] = unescape(value);
	return { action, fields };
}

/** Parameters of a redirect to the client. */
export function back(answer, uri) {
	const to = answer.headers.location;
	assert.ok(to?.startsWith(uri), `${answer.status} ${to}\n${answer.text}`);
	return Object.fromEntries(new URL(to).searchParams);
}

/** A client's row; a secret makes it confidential. */
export function clientRow(house, { id, application = 1, account = null, uris = [],
	secret, admin = false, name = id }) {
	sql(house, `INSERT INTO client (id, application_id, account_id, name,
		redirect_uris, secret_hash, is_app_admin) VALUES ('${id}',
		${application}, ${account ?? 'NULL'}, '${name}',
		ARRAY[${uris.map((u) => `'${u}'`)}]::text[],
		${secret ? `'\\x${hash(secret)}'` : 'NULL'}, ${admin})`);
	return { id, secret, uri: uris[0] };
}

export const basic = (id, secret) => ({ authorization: `Basic ${Buffer.from(
	`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)
	.toString('base64')}` });
