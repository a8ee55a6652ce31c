// Bodies, parts and bytes: read from the mail server once, kept within bounds,
// and never sent so that a browser runs them.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync }
	from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { bare, connect, emailOf, ended, mailbox, message, sync }
	from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, api, p, member, viewer, stranger, root, imap, credential;

const base64 = (bytes) =>
	Buffer.from(bytes).toString('base64').replace(/.{76}/g, '$&\n');
const html = '<script>alert(1)</script>';
const svg = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>';
const png = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
const big = Buffer.alloc(150000, 'The quick brown fox. ');

const part = (type, name, bytes) =>
	`--x\nContent-Type: ${type}\n` +
	'Content-Disposition: attachment' +
	`${name ? `; ${name}` : ''}\nContent-Transfer-Encoding: base64\n\n` +
	`${base64(bytes)}\n`;
const mixed = (subject, parts) => message({ subject,
	body: 'Content-Type: multipart/mixed; boundary=x\n\n' +
	`--x\nContent-Type: text/plain; charset=iso-8859-1\n` +
	'Content-Transfer-Encoding: quoted-printable\n\nGr=FC=DFe\n' +
	`${parts.join('')}--x--\n` });

const odd = {
	quote: 'filename="a\\"b.bin"',
	path: 'filename="../../etc/passwd"',
	newline: "filename*=UTF-8''a%0D%0AX-Evil%3A%201.bin",
	nul: "filename*=UTF-8''a%00b.exe",
	rtlo: "filename*=UTF-8''invoice%E2%80%AEfdp.exe",
	long: `filename="${'n'.repeat(300)}.bin"`,
};

const mails = {
	hostile: mixed('hostile', [
		part('text/html', 'filename="a.html"', html),
		part('image/svg+xml', 'filename="a.svg"', svg),
		part('image/png', 'filename="a.png"', png),
		part('text/html; charset=utf-7', '', html),
		part('x/y"; z', '', 'x'),
		part('application/xhtml+xml', '', html),
	]),
	names: mixed('names', Object.values(odd).map((n) =>
		part('application/octet-stream', n, 'x'))),
	pages: message({ subject: 'pages', body:
		'Content-Type: multipart/alternative; boundary=y\n\n' +
		'--y\nContent-Type: text/plain; charset=utf-8\n\nPläin\n' +
		'--y\nContent-Type: text/html; charset=utf-8\n\n<b>Pläin</b>\n--y--\n' }),
	large: mixed('large', [part('application/zip', 'filename=b.zip', big)]),
	once: message({ subject: 'once' }),
	gone: message({ subject: 'gone' }),
	swapped: mixed('swapped', [part('text/csv', '', 'a,b\n1,2\n')]),
};

before(async () => {
	house = await stack({ own: true, with: ['dovecot', 'sync'],
		set: ['body_cache_message = 64k', 'body_cache_total = 400k',
			'workers_scale = 4'] });
	api = client(house);
	p = people(house);
	[member, viewer, stranger] = ['member', 'viewer', 'stranger'].map(
		(who) => api.as({ cookie: p[who].cookie }));
	root = `/api/accounts/${p.account}`;
	imap = await mailbox(house, 'support');
	for (const bytes of Object.values(mails))
		await imap.append('INBOX', bytes);
	credential = await connect(member, p.account, 'support');
	await sync(member, p.account, credential);
});
after(async () => {
	await imap?.logout();
	await house?.end();
});

async function at(subject, word, who = member, more = undefined) {
	const { id } = await emailOf(member, p.account, subject);
	return who.get(`${root}/emails/${id}/${word}`, more);
}
async function parts(subject) {
	const { status, json, text } = await at(subject, 'parts');
	assert.equal(status, 200, text);
	return json.data;
}
const content = (row, query = '', more = undefined, who = member) => who.get(
	`${root}/emails/${row.email_id}/parts/${row.id}/content${query}`, more);
const fetches = () => Number(sql(house,
	`SELECT count(*) FROM log WHERE action = 'imap_fetch_body'`));
const cacheDir = () => `${house.state}/data/cache`;
const cached = () => readdirSync(cacheDir()).filter((n) => n.length === 64);
function forget() {
	for (const name of cached())
		rmSync(`${cacheDir()}/${name}`);
}
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

describe('attachments', () => {
	const list = async (subject, who = member) => who.get(`/api/emails/${
		(await emailOf(member, p.account, subject)).id}/attachments`);
	test('are the parts that a mail program shows as attached', async () => {
		const { status, json, text } = await list('hostile');
		assert.equal(status, 200, text);
		assert.equal(json.success, true);
		assert.deepEqual(json.attachments.map((a) => a.filename),
			['a.html', 'a.svg', 'a.png', null, null, null]);
		assert.equal(json.meta.total, 6);
		const all = await parts('hostile');
		for (const a of json.attachments)
			assert.deepEqual(a, { ...a, ...Object.fromEntries(['filename',
				'content_type', 'size_bytes', 'part_number'].map((k) => [k,
				all.find((x) => x.id === `prt_${a.id}`)[k]])) });
		assert.deepEqual((await list('pages')).json.attachments, []);
	});
	test('come as parts do, under either form of their id', async () => {
		const { json } = await list('hostile');
		const { id, email_id } = json.attachments[2];
		for (const form of [id, `prt_${id}`]) {
			const got = await member.get(
				`/api/emails/eml_${email_id}/attachments/${form}?inline=1`);
			assert.equal(got.status, 200);
			assert.equal(got.headers['content-type'], 'image/png');
			assert.deepEqual(Buffer.from(got.bytes), png);
		}
	});
	test('are named to viewers, and not given to them', async () => {
		const { status, json } = await list('hostile', viewer);
		assert.deepEqual([status, json.attachments.length], [200, 6]);
		const { id, email_id } = json.attachments[0];
		const { status: refused, json: why } = await viewer.get(
			`/api/emails/${email_id}/attachments/${id}`);
		assert.deepEqual([refused, why.success, why.code],
			[403, false, 'FORBIDDEN']);
	});
	test('of another account, or another email, are none', async () => {
		const { json } = await list('hostile');
		const { id, email_id } = json.attachments[0];
		const other = (await emailOf(member, p.account, 'pages')).id;
		const missing = await member.get('/api/emails/987654321/attachments');
		assert.deepEqual([missing.status, missing.json.code],
			[404, 'EMAIL_NOT_FOUND']);
		assert.equal((await list('hostile', stranger)).text.replace(
			/"request_id":"[^"]*"/, ''), missing.text.replace(
			/"request_id":"[^"]*"/, ''));
		const { status, json: why } = await member.get(
			`/api/emails/${other}/attachments/${id}`);
		assert.deepEqual([status, why.code], [404, 'ATTACHMENT_NOT_FOUND']);
		assert.equal((await stranger.get(
			`/api/emails/${email_id}/attachments/${id}`)).status, 404);
	});
});

describe('a body', () => {
	test('is text and HTML in UTF-8, with its parts', async () => {
		const { status, json } = await at('pages', 'body');
		assert.equal(status, 200);
		assert.deepEqual({ ...json.data, parts: json.data.parts.length },
			{ text: 'Pläin', html: '<b>Pläin</b>', charset: 'utf-8',
				truncated: false, parts: 3 });
		assert.equal((await at('hostile', 'body')).json.data.text, 'Grüße');
	});
	test('is fetched once, however many ask at once', async () => {
		const before_ = fetches();
		const { id } = await emailOf(member, p.account, 'once');
		const answers = await Promise.all(Array.from({ length: 8 }, () =>
			member.get(`${root}/emails/${id}/body`)));
		for (const { status, text } of answers)
			assert.equal(status, 200, text);
		assert.equal(fetches(), before_ + 1);
		assert.equal((await at('once', 'raw')).status, 200);
		assert.equal(fetches(), before_ + 1);
	});
	test('of a message beyond the cache comes by parts', async () => {
		const { json } = await at('large', 'body');
		assert.deepEqual([json.data.text, json.data.html], ['Grüße', null]);
		assert.equal(json.data.parts.length, 3);
	});
	test('of an email made by hand is on no server', async () => {
		const { json } = await member.post(`${root}/emails`,
			{ from_json: [{ address: 'a@example.org' }], subject: 'by hand' });
		const { status, json: fault } = await member.get(
			`${root}/emails/${json.data.id}/body`);
		assert.deepEqual([status, fault.code], [404, 'not_found_message']);
	});
	test('and bytes are not for viewers, before anything is fetched',
		async () => {
			forget();
			const before_ = fetches();
			const [row] = await parts('pages');
			for (const answer of [await at('pages', 'body', viewer),
				await at('pages', 'raw', viewer),
				await content(row, '', undefined, viewer)])
				assert.equal(answer.status, 403);
			assert.equal(fetches(), before_);
			assert.equal((await at('pages', 'parts', viewer)).status, 200);
		});
	test('of another account is the same as none', async () => {
		const { id } = await emailOf(member, p.account, 'pages');
		const mine = `/api/accounts/${p.other}/emails`;
		const [row] = await parts('pages');
		for (const word of ['body', 'parts', 'raw', `parts/${row.id}/content`])
			assert.deepEqual(
				bare(await stranger.get(`${mine}/${id}/${word}`)),
				bare(await stranger.get(`${mine}/eml_999999/${word}`)));
		assert.equal((await at('pages', 'body', stranger)).json.code,
			'account_mismatch');
	});
});

describe('a thread', () => {
	test('shows text and HTML of its mail, once they were read', async () => {
		const mail = await emailOf(member, p.account, 'pages');
		const shown = async (who = member, path = '') => (await who.get(
			`/api/threads/${mail.thread_id}${path}`)).json.thread.emails[0];
		assert.equal((await member.get(`${root}/emails/${mail.id}/body`)).status,
			200);
		for (const path of ['', '/details']) {
			const email = await shown(member, path);
			assert.deepEqual([email.body_text.trim(), email.body_html.trim()],
				['Pläin', '<b>Pläin</b>']);
			const theirs = await shown(viewer, path);
			assert.deepEqual([theirs.body_text, theirs.body_html],
				[null, null]);
		}
	});
	test('asks no server for what nobody has read', async () => {
		const mail = await emailOf(member, p.account, 'large');
		sql(house, `UPDATE email SET sha256 = NULL, snippet = 'Known'
			WHERE id = ${mail.id.slice(4)};
			DELETE FROM email_text WHERE email_id = ${mail.id.slice(4)}`);
		const { json } = await member.get(`/api/threads/${mail.thread_id}`);
		assert.deepEqual([json.thread.emails[0].body_text,
			json.thread.emails[0].body_html], ['Known', null]);
	});
});

describe('parts', () => {
	test('stand in pre-order, each with its place', async () => {
		const rows = await parts('pages');
		assert.deepEqual(rows.map((r) => [r.part_number, r.content_type]),
			[['TEXT', 'multipart/alternative'], ['1', 'text/plain'],
				['2', 'text/html']]);
		assert.equal(rows[0].parent_id, null);
		assert.equal(rows[1].parent_id, rows[0].id);
		assert.match(rows[0].id, /^prt_\d+$/);
	});
	test('keep their ids', async () => {
		const ids = async () => (await parts('names')).map((r) => r.id);
		assert.deepEqual(await ids(), await ids());
	});
	test('remember the hash of their content', async () => {
		const row = (await parts('hostile'))
			.find((r) => r.content_type === 'image/png');
		const { bytes } = await content(row);
		assert.deepEqual(bytes, png);
		const again = (await parts('hostile')).find((r) => r.id === row.id);
		assert.equal(again.content_hash, `sha256:${sha256(png)}`);
		assert.equal(again.size_bytes, png.length);
	});
	test('of another email are not found', async () => {
		const [row] = await parts('names');
		const { id } = await emailOf(member, p.account, 'pages');
		const wrong = await member.get(
			`${root}/emails/${id}/parts/${row.id}/content`);
		assert.equal(wrong.status, 404);
	});
});

describe('content', () => {
	test('never comes as something that a browser runs', async () => {
		for (const row of await parts('hostile')) {
			for (const query of ['', '?inline=1']) {
				const { status, headers } = await content(row, query);
				const shown = query !== '' && ['text/plain', 'image/png']
					.includes(row.content_type);
				assert.equal(status, 200);
				assert.equal(headers['x-content-type-options'], 'nosniff');
				assert.match(headers['content-security-policy'], /sandbox/);
				assert.match(headers['content-disposition'],
					shown ? /^inline/ : /^attachment/);
				assert.doesNotMatch(headers['content-type'],
					/html|svg|xml|utf-7/i);
			}
		}
	});
	test('has its own type where that is harmless', async () => {
		const rows = await parts('hostile');
		const type = async (wanted) => (await content(rows.find((r) =>
			r.content_type === wanted))).headers['content-type'];
		assert.equal(await type('image/png'), 'image/png');
		assert.equal(await type('text/plain'),
			'text/plain; charset=iso-8859-1');
		assert.equal(await type('image/svg+xml'), 'application/octet-stream');
	});
	test('has a name that is nothing but a name', async () => {
		const rows = (await parts('names')).slice(2);
		assert.equal(rows.length, Object.keys(odd).length);
		for (const row of rows) {
			const { status, headers } = await content(row);
			assert.equal(status, 200);
			assert.equal(headers['x-evil'], undefined);
			assert.match(headers['content-disposition'],
				/^attachment(; filename="[\w.\-! ]+"; filename\*=UTF-8''[\w.%~!-]+)?$/);
			assert.ok(headers['content-disposition'].length < 1200);
			// Nothing that leads into a folder, ends a line or turns the text.
			assert.doesNotMatch(headers['content-disposition'],
				/%(0[0-9A-F]|1[0-9A-F]|7F|2F|5C)|%E2%80%AE/);
		}
	});
	test('is given by ranges', async () => {
		const row = (await parts('hostile'))
			.find((r) => r.content_type === 'image/png');
		for (const [range, from, to] of [['0-0', 0, 1], ['10-19', 10, 20],
			['250-', 250, 256], ['-6', 250, 256], ['200-9999', 200, 256]]) {
			const { status, bytes, headers } = await content(row, '',
				{ range: `bytes=${range}` });
			assert.equal(status, 206);
			assert.deepEqual(bytes, png.subarray(from, to));
			assert.equal(headers['content-range'],
				`bytes ${from}-${to - 1}/256`);
		}
		const outside = await content(row, '', { range: 'bytes=256-' });
		assert.equal(outside.status, 416);
		const { headers } = await content(row);
		assert.equal((await content(row, '',
			{ 'if-none-match': headers.etag })).status, 304);
		assert.equal((await content(row, '',
			{ range: 'bytes=1-2', 'if-range': '"other"' })).status, 200);
	});
	test('of a large message is fetched alone, whole or in ranges', async () => {
		const row = (await parts('large'))
			.find((r) => r.content_type === 'application/zip');
		const whole = await content(row);
		assert.deepEqual(whole.bytes, big);
		const piece = await content(row, '', { range: 'bytes=149990-' });
		assert.deepEqual(piece.bytes, big.subarray(149990));
		assert.equal((await content(row, '',
			{ 'if-none-match': whole.headers.etag })).status, 304);
		const again = (await parts('large')).find((r) => r.id === row.id);
		assert.equal(again.size_bytes, big.length);
	});
	test('answers HEAD without it', async () => {
		const [, row] = await parts('pages');
		const { bytes, headers } = await member.head(
			`${root}/emails/${row.email_id}/parts/${row.id}/content`);
		assert.equal(bytes.length, 0);
		assert.equal(headers['content-length'], String(row.size_bytes));
	});
	test('refuses a wrong parameter', async () => {
		const [row] = await parts('pages');
		assert.equal((await content(row, '?inline=maybe')).status, 422);
	});
});

describe('raw', () => {
	test('is the message as the server has it', async () => {
		for (const subject of ['hostile', 'large']) {
			const { status, bytes, headers } = await at(subject, 'raw');
			assert.equal(status, 200);
			assert.deepEqual(bytes, mails[subject]);
			assert.equal(headers['content-type'], 'message/rfc822');
			assert.match(headers['content-disposition'],
				/^attachment; filename="eml_\d+\.eml"/);
		}
	});
});

describe('the cache', () => {
	test('holds files named by their hash, and large messages not', async () => {
		forget();
		await at('pages', 'raw');
		await at('large', 'raw');
		assert.deepEqual(cached(), [sha256(mails.pages)]);
		assert.equal(statSync(`${cacheDir()}/${cached()[0]}`).mode & 0o777,
			0o600);
	});
	test('is not believed when its bytes are others', async () => {
		await at('pages', 'raw');
		writeFileSync(`${cacheDir()}/${sha256(mails.pages)}`, 'forged');
		assert.deepEqual((await at('pages', 'raw')).bytes, mails.pages);
	});
	test('stays below its size', async () => {
		for (let i = 0; i < 20; i++)
			await imap.append('INBOX', message({ subject: `fill ${i}`,
				body: `\n${`${i} `.repeat(20000)}\n` }));
		await sync(member, p.account, credential);
		for (let i = 0; i < 20; i++) {
			assert.equal((await at(`fill ${i}`, 'raw')).status, 200);
			const sum = cached().reduce((n, name) =>
				n + statSync(`${cacheDir()}/${name}`).size, 0);
			assert.ok(sum <= 400 * 1024, `${sum} bytes`);
		}
		assert.ok(cached().length >= 2);
		assert.ok(!cached().includes(sha256(mails.pages)));
	});
	test('leaves nothing unfinished behind', () => {
		assert.deepEqual(readdirSync(cacheDir())
			.filter((n) => n.startsWith('new-')), []);
	});
});

describe('a message that is another now', () => {
	const files = (dir) => readdirSync(dir, { withFileTypes: true })
		.flatMap((d) => d.isDirectory() ? files(`${dir}/${d.name}`)
			: d.isFile() ? [`${dir}/${d.name}`] : []);

	test('is refused: its parts by their hash, the rest as out of sync',
		async () => {
			const row = (await parts('swapped'))
				.find((r) => r.content_type === 'text/csv');
			assert.equal((await content(row)).text, 'a,b\n1,2\n');
			// Dovecot keeps lines as the host does.
			const kept = mails.swapped.toString().replaceAll('\r\n', '\n');
			const file = files(`${house.state}/mail`).find((name) =>
				readFileSync(name, 'utf8') === kept);
			writeFileSync(file, kept.replace(
				base64('a,b\n1,2\n'), base64('a,b\n6,6\n')));
			forget();
			const part_ = await content(row);
			assert.deepEqual([part_.status, part_.json.code],
				[409, 'email_part_content_hash_mismatch']);
			const raw = await at('swapped', 'raw');
			assert.deepEqual([raw.status, raw.json.code],
				[409, 'email_part_metadata_out_of_sync']);
			writeFileSync(file, kept);
			assert.equal((await content(row)).status, 200);
		});
	test('queues a sync where it has gone, and then is gone', async () => {
		const { id } = await emailOf(member, p.account, 'gone');
		await house.stop('sync');
		const lock = await imap.getMailboxLock('INBOX');
		await imap.messageDelete({ subject: 'gone' });
		lock.release();
		const { status, json } = await member.get(`${root}/emails/${id}/body`);
		assert.deepEqual([status, json.code],
			[409, 'email_part_metadata_out_of_sync']);
		const [job] = (await member.get(`${root}/jobs?state=queued`))
			.json.data;
		assert.equal(job.action, 'imap_sync_messages');
		await house.start('sync');
		await ended(member, job.id);
		assert.equal((await member.get(`${root}/emails/${id}/body`)).status,
			404);
	});
	test('is so in a folder that was made anew', async () => {
		await imap.mailboxCreate('Anew');
		await imap.append('Anew', message({ subject: 'anew' }));
		await sync(member, p.account, credential);
		const { id } = await emailOf(member, p.account, 'anew');
		await house.stop('sync');
		await imap.mailboxDelete('Anew');
		const read = () => member.get(`${root}/emails/${id}/raw`);
		assert.equal((await read()).json.code,
			'email_part_metadata_out_of_sync');
		sql(house, `UPDATE mailbox SET uidvalidity = uidvalidity + 1
			WHERE name = 'INBOX' AND account_id = ${p.account};
			UPDATE placement SET uidvalidity = uidvalidity + 1
			WHERE mailbox_id = (SELECT id FROM mailbox
			WHERE name = 'INBOX' AND account_id = ${p.account})`);
		forget();
		assert.equal((await at('once', 'raw')).json.code,
			'email_part_metadata_out_of_sync');
		await house.start('sync');
	});
	test('is told apart from a server that is away', async () => {
		forget();
		await house.stop('dovecot');
		const { id } = await emailOf(member, p.account, 'pages');
		const { status, json } = await member.get(`${root}/emails/${id}/raw`);
		assert.deepEqual([status, json.code], [502, 'transient_connection']);
		await house.start('dovecot');
	});
});
