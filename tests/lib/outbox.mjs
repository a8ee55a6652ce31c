// What the installation has mailed, before any mail server.
import { sql } from './sql.mjs';

const printable = (text) => Buffer.from(text.replace(/=\r\n/g, '')
	.replace(/=([0-9A-F]{2})/g, (_, hex) =>
		String.fromCharCode(parseInt(hex, 16))), 'latin1').toString();

/** "=?UTF-8?B?…?=" and "=?UTF-8?Q?…?=", as our own messages have them. */
const words = (text) => text.replace(/\?=\s+=\?/g, '?==?')
	.replace(/=\?UTF-8\?([BQ])\?([^?]*)\?=/gi, (_, kind, word) =>
		/b/i.test(kind) ? Buffer.from(word, 'base64').toString()
			: printable(word.replaceAll('_', ' ')));

function parse(message) {
	const end = message.indexOf('\r\n\r\n');
	const head = message.slice(0, end).replace(/\r\n[ \t]/g, ' ');
	const body = message.slice(end + 4);
	const field = (name) =>
		new RegExp(`^${name}: (.*)$`, 'mi').exec(head)?.[1].trim() ?? '';
	const coding = field('Content-Transfer-Encoding').toLowerCase();
	const text = coding === 'base64' ? Buffer.from(body, 'base64').toString()
		: coding === 'quoted-printable' ? printable(body) : body;
	return { subject: words(field('Subject')),
		text: text.replace(/\r\n/g, '\n') };
}

/** The mails to an address, oldest first: [{ kind, subject, text }]. */
export function mailsTo(house, address) {
	return JSON.parse(sql(house, `SELECT coalesce(json_agg(json_build_object(
		'kind', kind, 'message', encode(message, 'base64')) ORDER BY id), '[]')
		FROM outgoing WHERE lower(recipient) = lower('${address}')`))
		.map(({ kind, message }) => ({ kind,
			...parse(Buffer.from(message, 'base64').toString('latin1')) }));
}

/** The link in a mail: { url, path, token }. */
export function linkIn(mail) {
	const url = /^https?:\/\/\S+$/m.exec(mail.text)?.[0];
	const { pathname, searchParams } = new URL(url);
	return { url, path: pathname, token: searchParams.get('token') };
}

export const tokenTo = (house, address) =>
	linkIn(mailsTo(house, address).at(-1)).token;
