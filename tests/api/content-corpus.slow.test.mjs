// Real mail: all of it appended, synced and read; every part's bytes are those
// of another parser (Dovecot's, with libqp and Node behind it; mailparser's).
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import libqp from 'libqp';
import { simpleParser } from 'mailparser';
import { client } from '../lib/api.mjs';
import { connect, mailbox, sync } from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { stack } from '../lib/stack.mjs';

const corpus = process.env.LETTERRACK_CORPUS ??
	fileURLToPath(new URL('../../../shared/corpus', import.meta.url));
const files = ['lists', 'mime'].map((dir) => `${corpus}/${dir}`)
	.filter((dir) => existsSync(dir))
	.flatMap((dir) => readdirSync(dir, { recursive: true })
		.filter((name) => name.endsWith('.eml'))
		.map((name) => `${dir}/${name}`))
	// Dovecot takes no message of no bytes.
	.filter((file) => statSync(file).size > 0);
const skip = files.length === 0 && `367 messages: no ${corpus}`;

let house, member, p, root, imap, emails;

// What APPEND sends: lines that end in CRLF.
const onWire = (bytes) => Buffer.from(
	bytes.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1');

before(async () => {
	if (skip)
		return;
	house = await stack({ own: true, with: ['dovecot', 'sync'],
		set: ['workers_scale = 4'] });
	p = people(house);
	member = client(house).as({ cookie: p.member.cookie });
	root = `/api/accounts/${p.account}`;
	imap = await mailbox(house, 'support');
	for (const file of files)
		await imap.append('INBOX', onWire(readFileSync(file)));
	const credential = await connect(member, p.account, 'support');
	await sync(member, p.account, credential);
	emails = [];
	for (let cursor = ''; cursor !== null;) {
		const { json } = await member.get(
			`${root}/emails?limit=200${cursor}`);
		emails.push(...json.data);
		cursor = json.meta.next_cursor && `&cursor=${json.meta.next_cursor}`;
	}
	await imap.mailboxOpen('INBOX', { readOnly: true });
});
after(async () => {
	await imap?.logout();
	await house?.end();
});

function decoded(encoding, bytes) {
	switch (encoding.toLowerCase()) {
	case 'base64': return Buffer.from(bytes.toString('latin1'), 'base64');
	case 'quoted-printable': return libqp.decode(bytes.toString('latin1'));
	default: return bytes;
	}
}

/** Does something for each email, a few at a time; what goes wrong, by uid. */
async function each(work) {
	const faults = [];
	const queue = [...emails];
	await Promise.all(Array.from({ length: 4 }, async () => {
		for (let e; (e = queue.pop());) {
			try {
				await work(e);
			} catch (error) {
				faults.push(`${files[e.uid - 1]}: ${error.message}`);
			}
		}
	}));
	assert.deepEqual(faults, []);
}

// Of a multipart in which no part begins Dovecot shows an empty one; ours has
// what stands there, be it blank lines.
const same = (ours, theirs) => ours.equals(theirs) ||
	(theirs.length === 0 && ours.toString().trim() === '');

const leaf = (row) => !/^(multipart|message)\//.test(row.content_type);
const content = async (row) => {
	const { status, bytes, text } = await member.get(
		`${root}/emails/${row.email_id}/parts/${row.id}/content`);
	assert.equal(status, 200, text);
	return bytes;
};

describe('the corpus', { skip }, () => {
	test('is stored, all of it', async () => {
		assert.equal(emails.length, files.length);
		const { json } = await member.get(`${root}/mailboxes`);
		const inbox = json.data.find((m) => m.name === 'INBOX');
		assert.deepEqual([inbox.stored_messages, inbox.skipped_messages,
			inbox.missing_messages], [files.length, 0, 0]);
	});
	test('has a body each, in valid UTF-8', async () => {
		const utf8 = new TextDecoder('utf-8', { fatal: true });
		await each(async (e) => {
			const { status, bytes, json } = await member.get(
				`${root}/emails/${e.id}/body`);
			assert.equal(status, 200);
			utf8.decode(bytes);
			assert.ok(json.data.parts.length >= 1);
		});
	});
	test('comes back as it was sent', async () => {
		await each(async (e) => {
			const { bytes } = await member.get(`${root}/emails/${e.id}/raw`);
			const source = onWire(readFileSync(files[e.uid - 1]));
			assert.ok(bytes.equals(source), 'other bytes');
		});
	});
	test('has the parts that Dovecot sees, and their bytes', async () => {
		let seen = 0;
		await each(async (e) => {
			const { json } = await member.get(`${root}/emails/${e.id}/parts`);
			const rows = json.data.filter(leaf);
			if (rows.length === 0)
				return;
			const { bodyParts } = await imap.fetchOne(e.uid,
				{ bodyParts: rows.map((r) => r.part_number) }, { uid: true });
			for (const row of rows) {
				const theirs = bodyParts.get(row.part_number.toLowerCase());
				assert.ok(theirs, `no part ${row.part_number}`);
				assert.ok(same(await content(row),
					decoded(row.encoding ?? '7bit', theirs)),
				`part ${row.part_number} (${row.encoding}) differs`);
				seen++;
			}
		});
		assert.ok(seen > files.length);
	});
	test('has the attachments that mailparser sees', async () => {
		let seen = 0;
		await each(async (e) => {
			const parsed = await simpleParser(
				onWire(readFileSync(files[e.uid - 1])),
				{ skipHtmlToText: true, skipImageLinks: true,
					skipTextToHtml: true });
			const { json } = await member.get(`${root}/emails/${e.id}/parts`);
			for (const theirs of parsed.attachments) {
				const row = json.data.find((r) =>
					r.part_number === theirs.partId);
				if (!row || !leaf(row))
					continue;
				assert.ok((await content(row)).equals(theirs.content),
					`part ${row.part_number} differs`);
				seen++;
			}
		});
		assert.ok(seen > 40, `${seen} attachments`);
	});
});
