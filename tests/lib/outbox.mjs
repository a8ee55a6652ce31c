// What the installation has mailed, before any mail server.
import { sql } from './people.mjs';

/** The mails to an address, oldest first: [{ kind, subject, text }]. */
export function mailsTo(house, address) {
	return JSON.parse(sql(house, `SELECT coalesce(json_agg(json_build_object(
		'kind', kind, 'subject', subject, 'text', text) ORDER BY id), '[]')
		FROM outgoing WHERE lower(recipient) = lower('${address}')`));
}

/** The link in a mail: { url, path, token }. */
export function linkIn(mail) {
	const url = /^https?:\/\/\S+$/m.exec(mail.text)?.[0];
	const { pathname, searchParams } = new URL(url);
	return { url, path: pathname, token: searchParams.get('token') };
}

export const tokenTo = (house, address) =>
	linkIn(mailsTo(house, address).at(-1)).token;
