// Search: what a query finds, for whom, and that no query is a fault of ours.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { ctl } from '../lib/ctl.mjs';
import { connect, ended, mailbox, message, sync } from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, api, p, member, viewer, stranger, root, imap, credential;

const attached = (subject, name) => message({ subject, from: 'Files <f@x.test>',
	body: 'Content-Type: multipart/mixed; boundary=x\n\n--x\n' +
	'Content-Type: text/plain\n\nSee what is attached.\n--x\n' +
	`Content-Type: application/pdf\nContent-Disposition: attachment; ` +
	`filename="${name}"\n\nx\n--x--\n` });
const text = (subject, from, words, type = 'text/plain') => message({ subject,
	from, body: `Content-Type: ${type}; charset=utf-8\n\n${words}\n` });

const mails = [
	text('Invoice 4711', 'Anna Müller <anna@example.com>',
		'The houses were painted in Zürich. Please pay soon.'),
	text('Final notice', 'Bob <bob@example.org>',
		'This is the final notice about "it" & the <invoice>: 5 < 7, it\'s so.'),
	text('Newsletter', 'News <news@letters.test>',
		'<p>Cats &amp; dogs</p><script>secretscript()</script>', 'text/html'),
	attached('Papers', 'quarterly-report_2025.pdf'),
	text('Grüße', 'Jörg Weiß <joerg@example.net>',
		'Straßenbahn fahren wir morgen'),
];

before(async () => {
	house = await stack({ own: true, with: ['dovecot', 'sync'] });
	api = client(house);
	p = people(house);
	[member, viewer, stranger] = ['member', 'viewer', 'stranger'].map(
		(who) => api.as({ cookie: p[who].cookie }));
	root = `/api/accounts/${p.account}`;
	imap = await mailbox(house, 'support');
	for (const bytes of mails)
		await imap.append('INBOX', bytes);
	credential = await connect(member, p.account, 'support');
	await sync(member, p.account, credential);
	await indexed();
});
after(async () => {
	await imap?.logout();
	await house?.end();
});

/** Waits for the job that reads texts. */
async function indexed() {
	const id = sql(house, `SELECT max(id) FROM job
		WHERE action = 'imap_fetch_text' AND credential_id =
		${credential.id.replace('pc_', '')}`);
	await ended(member, id);
}

async function find(q, who = member, more = '') {
	const answer = await who.get(
		`/api/search?q=${encodeURIComponent(q)}${more}`);
	assert.equal(answer.status, 200, answer.text);
	return answer.json.results;
}
const subjects = async (...args) =>
	(await find(...args)).map((r) => r.subject).sort();

describe('a search', () => {
	for (const [q, ...found] of [
		['invoice', 'Final notice', 'Invoice 4711'],
		['house paint', 'Invoice 4711'],
		['zurich', 'Invoice 4711'],
		['Zürich', 'Invoice 4711'],
		['"final notice"', 'Final notice'],
		['"notice final"'],
		['invoice -notice', 'Invoice 4711'],
		['subject:invoice', 'Invoice 4711'],
		['from:anna', 'Invoice 4711'],
		['from:muller', 'Invoice 4711'],
		['from:mueller', 'Invoice 4711'],
		['from:anna@example.com', 'Invoice 4711'],
		['from:example.com', 'Invoice 4711'],
		['invoice -from:bob', 'Invoice 4711'],
		['has:attachment', 'Papers'],
		['report', 'Papers'],
		['quarterly-report_2025.pdf', 'Papers'],
		['quart*', 'Papers'],
		['dogs', 'Newsletter'],
		['secretscript'],
		['strassenbahn', 'Grüße'],
		['Straßenbahn', 'Grüße'],
		['from:joerg', 'Grüße'],
		['grusse', 'Grüße'],
		['gruesse', 'Grüße'],
		['invoice before:2001-01-01'],
		['invoice after:2001-01-01', 'Final notice', 'Invoice 4711'],
		['the invoice', 'Final notice', 'Invoice 4711'],
		['nothingofthiskind'],
	])
		test(`for ${q} finds ${found.length}`, async () => {
			assert.deepEqual(await subjects(q), found.sort());
		});
	test('asks for the state of mail', async () => {
		const [one] = await find('dogs');
		assert.equal((await member.patch(`/api/emails/${one.id}`,
			{ is_read: true, is_flagged: true })).status, 200);
		assert.deepEqual(await subjects('is:read'), ['Newsletter']);
		assert.deepEqual(await subjects('is:flagged dogs'), ['Newsletter']);
		assert.deepEqual(await subjects('-is:unread'), ['Newsletter']);
		assert.deepEqual(await subjects('is:unread dogs'), []);
		assert.equal((await find('is:unread')).length, mails.length - 1);
	});
	test('asks for labels of the thread, and who has it', async () => {
		const [one] = await find('dogs');
		const account = `${p.application}, ${p.account}`;
		sql(house, `WITH l AS (INSERT INTO label (application_id, account_id,
			name, color) VALUES (${account}, 'To do', 'red'),
			(${account}, 'Other', 'red') RETURNING id, name),
		t AS (INSERT INTO thread (application_id, account_id, subject, labels,
			assigned_to) SELECT ${account}, 'x', ARRAY[id], ${p.member.user}
			FROM l WHERE name = 'To do' RETURNING id)
		UPDATE email SET thread_id = t.id FROM t WHERE email.id = ${one.id}`);
		for (const q of ['label:"to do"', 'label:"To do" dogs -label:other',
			'is:assigned', 'is:assigned dogs'])
			assert.deepEqual(await subjects(q), ['Newsletter'], q);
		for (const q of ['label:other', 'label:nosuch', 'dogs is:unassigned',
			'dogs -label:"to do"', 'label:"to do" label:nosuch'])
			assert.deepEqual(await subjects(q), [], q);
		assert.deepEqual(await subjects('invoice is:unassigned -label:nosuch'),
			['Final notice', 'Invoice 4711']);
	});
	test('shows where the words stand, as harmless HTML', async () => {
		const [one] = await find('"final notice"');
		assert.match(one.extract,
			/<mark>final<\/mark> <mark>notice<\/mark>/);
		assert.match(one.extract,
			/about &quot;it&quot; &amp; the &lt; invoice/);
		assert.doesNotMatch(one.extract.replace(/<\/?mark>/g, ''), /[<>]/);
		assert.equal(one.from_email, 'bob@example.org');
		assert.equal(one.from_name, 'Bob');
	});
	test('of viewers looks in no text, and shows none', async () => {
		assert.deepEqual(await subjects('painted', viewer), []);
		assert.deepEqual(await subjects('invoice', viewer), ['Invoice 4711']);
		assert.deepEqual(await subjects('report', viewer), ['Papers']);
		assert.deepEqual(await subjects('from:bob', viewer),
			['Final notice']);
		for (const one of await find('invoice', viewer))
			assert.equal(one.extract, null);
		const { json } = await viewer.post(`${root}/emails/search`,
			{ query: 'painted' });
		assert.deepEqual(json.data, []);
	});
	test('stays in its account', async () => {
		assert.deepEqual(await subjects('invoice', stranger), []);
	});
	test('goes by pages that are stable and complete', async () => {
		for (const sort of ['newest', 'relevance']) {
			const seen = [];
			let next = '';
			do {
				const { json } = await member.get(
					`/api/search?q=in*%20-zzz&limit=1&sort=${sort}${next}`);
				seen.push(...json.results.map((r) => r.id));
				next = json.meta.next_cursor
					? `&cursor=${json.meta.next_cursor}` : '';
			} while (next);
			const all = (await find('in* -zzz', member, `&sort=${sort}`))
				.map((r) => r.id);
			assert.deepEqual(seen, all, sort);
			assert.ok(all.length >= 2);
		}
	});
	test('puts what has the words in its subject first, by relevance',
		async () => {
			const [first] = await find('invoice', member, '&sort=relevance');
			assert.equal(first.subject, 'Invoice 4711');
		});
	for (const [q, at] of [['"open', 1], ['foo "bar', 5], ['from:', 1],
		['is:odd', 1], ['has:wings', 1], ['a before:soon', 3],
		['-before:2020-01-01', 1], ['is:read is:unread', 9],
		['ä is:x', 3], [`${'a '.repeat(33)}`, 65]])
		test(`says where ${q.slice(0, 20)} is wrong`, async () => {
			const { status, json } = await member.get(
				`/api/search?q=${encodeURIComponent(q)}`);
			assert.equal(status, 400);
			assert.equal(json.code, 'VALIDATION_ERROR');
			assert.match(JSON.stringify(json), new RegExp(
				`At character ${at}:`));
		});
	test('is no fault of ours, whatever is written', async () => {
		const odd = ['!', '&', '|', '()', '(((', ':*', "'", "''", '\\', "a'b",
			'a & !b', '<->', 'a <2> b', '-', '--', '- -', '%', '_', ':', '::',
			'a:b', 'http://x.test/?a=b&c=d', '10:30', '*', '**', 'a*b*',
			'\u2013', 'a\u2013b', '日本語', '\u{1F600}', 'the', 'the and of',
			'-the', "from:'", 'subject:!', 'x'.repeat(500),
			'ß'.repeat(500), "'".repeat(500), '½'.repeat(200),
			'a\tb\nc', '"\u00a0"', '-"a b"', 'to:"x y" -to:z'];
		for (const q of odd)
			for (const who of [member, viewer]) {
				const { status, json, text: all } = await who.post(
					`${root}/emails/search`, { query: q.replace(/[\t\n]/g, ' ') });
				assert.ok([200, 422].includes(status), `${q}: ${all}`);
				if (status === 422)
					assert.equal(json.errors[0].field, 'query', q);
			}
	});
});

describe('the list of emails', () => {
	test('is narrowed to those of a correspondent', async () => {
		const list = async (more) => (await member.get(`${root}/emails?${more}`))
			.json.data.map((e) => e.subject).sort();
		assert.deepEqual(await list('correspondent=bob@example.org'),
			['Final notice']);
		assert.deepEqual(await list('correspondent=M%C3%BCller'),
			['Invoice 4711']);
		assert.deepEqual(await list('correspondent=invoice'), []);
		assert.deepEqual(await list('correspondent=%25'), []);
		const box = sql(house, `SELECT id FROM mailbox WHERE name = 'INBOX'
			AND credential_id = ${credential.id.replace('pc_', '')}`);
		assert.deepEqual(await list(`correspondent=bob&mailbox=${box}`),
			['Final notice']);
		assert.equal((await member.get(
			`${root}/emails?correspondent=bob&mailbox=${box}`)).json.meta.total,
		1);
	});
});

describe('what is indexed', () => {
	test('changes nothing when it is read again', async () => {
		const rows = () => sql(house, `SELECT string_agg(xmin::text, ','
			ORDER BY email_id) FROM email_text WHERE account_id = ${p.account}`);
		const earlier = rows();
		const mine = `WHERE id = ${credential.id.replace('pc_', '')}`;
		sql(house, `UPDATE credential SET text_done_id = 0, texts_due = true
			${mine}`);
		await sync(member, p.account, credential);
		await indexed();
		assert.equal(sql(house, `SELECT texts_due FROM credential ${mine}`),
			'f');
		assert.equal(rows(), earlier);
	});
	test('goes with its email', async () => {
		const [one] = await find('dogs');
		assert.equal((await member.delete(`/api/emails/${one.id}`)).status, 204);
		assert.deepEqual(await find('dogs'), []);
		assert.equal(sql(house, `SELECT count(*) FROM email_text
			WHERE email_id = ${one.id}`), '0');
	});
	test('is mail made by hand, too', async () => {
		await member.post(`${root}/emails`, { subject: 'Handmade things',
			from_json: [{ address: 'hand@example.org' }] });
		assert.deepEqual(await subjects('handmade'), ['Handmade things']);
	});
	test('is found in its folder, beside other filters', async () => {
		const { json } = await member.post(`${root}/emails/search`,
			{ query: 'invoice', credential_id: credential.id,
				has_attachments: false });
		assert.equal(json.data.length, 2);
		assert.match(json.data.find((e) => e.subject === 'Final notice')
			.extract, /<mark>invoice<\/mark>/);
		const { status } = await member.post(`${root}/emails/search`,
			{ query: 'is:read', is_read: false });
		assert.equal(status, 422);
	});
	test('is stemmed in another language, where an operator says so',
		async () => {
			const search = (...words) => ctl(house, ['search',
				'--application', String(p.application), ...words]);
			assert.deepEqual(await subjects('haus'), []);
			const told = search('language', 'german', '--account',
				String(p.account));
			assert.equal(told.status, 0, told.err);
			assert.equal(search('language', 'klingon').status, 65);
			assert.match(search('status').out,
				new RegExp(`^acc_${p.account}\tgerman\t`, 'm'));
			await imap.append('INBOX', text('Umzug', 'A <a@x.test>',
				'Alle H\u00e4user stehen leer.'));
			await sync(member, p.account, credential);
			await indexed();
			assert.deepEqual(await subjects('haus'), ['Umzug']);
			assert.match(search('status', '--account', String(p.account)).out,
				/\b0 wait$/m);
			assert.deepEqual(await subjects('invoice'),
				['Final notice', 'Invoice 4711']);
			search('language', 'english', '--account', String(p.account));
		});
	test('is no text where texts are not to be kept', async () => {
		const id = credential.id;
		assert.equal((await member.patch(`/api/provider-credentials/${id}`,
			{ body_policy: 'metadata' })).status, 200);
		await sync(member, p.account, credential);
		await indexed();
		assert.deepEqual(await subjects('painted'), []);
		assert.deepEqual(await subjects('invoice'), ['Invoice 4711']);
		assert.equal(sql(house, `SELECT count(body) FROM email_text
			WHERE account_id = ${p.account}`), '0');
		await member.patch(`/api/provider-credentials/${id}`,
			{ body_policy: 'text' });
		await sync(member, p.account, credential);
		await indexed();
		assert.deepEqual(await subjects('painted'), ['Invoice 4711']);
	});
});
