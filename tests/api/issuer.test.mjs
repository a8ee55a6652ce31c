// External issuers: whose tokens are taken, by which keys, and how those come.
import assert from 'node:assert/strict';
import { createHash, createHmac, createPrivateKey, createPublicKey, randomBytes,
	sign } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../lib/api.mjs';
import { ctl, pass, passBeside, well } from '../lib/ctl.mjs';
import { issuer, issuerKey } from '../lib/issuer.mjs';
import { basic, clientRow, form } from '../lib/oauth.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';
import { b64, parts, signingKey } from '../lib/tokens.mjs';

const AUDIENCE = 'https://api.letterrack.example';
const [rsa, ed, next, evil] = [issuerKey('rsa-1'), issuerKey('ed-1', 'EdDSA'),
	issuerKey('rsa-2'), issuerKey('rsa-1')];

let house, api, p, idp, other, backend, plain;

before(async () => {
	idp = await issuer(AUDIENCE, [rsa, ed]);
	other = await issuer('https://other.example', [issuerKey('rsa-1')]);
	house = await stack({ own: true, with: ['sync'],
		postgres: ['log_statement=all'], set: [
		`external_issuer = ${idp.name} ${AUDIENCE} ${idp.keysUrl}`,
		`external_issuer = ${other.name} https://other.example ` +
			`${other.keysUrl}`] });
	await house.stop('sync');
	rmSync(`${house.state}/data/issuers`, { recursive: true, force: true });
	sql(house, `UPDATE credential SET sync_mode = 'off'`);
	api = client(house);
	p = people(house);
	backend = clientRow(house, { id: 'cid_ext', application: p.application,
		account: p.account, secret: 'its secret', admin: true });
	plain = clientRow(house, { id: 'cid_extplain', application: p.application,
		account: p.account, secret: 'its secret' });
});
after(async () => {
	await house?.end();
	idp?.end();
	other?.end();
});

const file = (it, word) => `${house.state}/data/issuers/${createHash('sha256')
	.update(it.keysUrl).digest('hex').slice(0, 32)}.${word}`;
/* As if so many seconds had gone by since. */
const age = (it, word, seconds) => {
	const then = new Date(Date.now() - seconds * 1000);
	utimesSync(file(it, word), then, then);
};
const fetchNow = () => {
	for (const it of [idp, other])
		for (const word of ['try', 'want'])
			if (existsSync(file(it, word)))
				age(it, word, 61);
	for (const it of [idp, other])
		if (existsSync(file(it, 'keys')))
			age(it, 'keys', 301);
	/* Beside this process, which answers. */
	return passBeside(house, ['--quiet']);
};
const me = (token) => api.as({ token }).get('/auth/me');
const status = async (token, path = '/auth/me') =>
	(await api.as({ token }).get(path)).status;
const claimsOf = (who, account = p.account) => ({ uid: `uid_${p[who].user}`,
	acc: `acc_${account}`, app: `app_${p.application}` });

function forge(header, payload, jwk = rsa) {
	const text = `${b64(header)}.${b64(payload)}`;
	const key = createPrivateKey({ key: jwk, format: 'jwk' });
	const alg = jwk.kty === 'OKP' ? null : 'sha256';
	return `${text}.${sign(alg, Buffer.from(text), key)
		.toString('base64url')}`;
}

const mailbox = { provider_kind: 'imap', label: 'Desk', host: '127.0.0.1',
	port: 10143, security_mode: 'none',
	secret: { username: 'desk@rack.test', password: 'letterrack' } };

describe('keys', () => {
	test('come with a pass, once somebody has configured their issuer',
		async () => {
			const token = await idp.token(claimsOf('member'));
			assert.equal(await status(token), 401);
			const before_ = idp.fetches;
			assert.equal(await fetchNow(), 0);
			assert.equal(idp.fetches, before_ + 1);
			assert.equal(await status(token), 200);
		});
	test('are not fetched twice within a minute', async () => {
		const before_ = idp.fetches;
		for (let i = 0; i < 3; i++)
			assert.equal(await passBeside(house, ['--quiet']), 0);
		assert.equal(idp.fetches, before_);
	});
	test('are fetched by one at a time', async () => {
		const answers = [];
		idp.fault = (request, answer) => answers.push(answer);
		const before_ = idp.fetches;
		const passes = [fetchNow(), ...[1, 2, 3].map(() =>
			passBeside(house, ['--quiet']))];
		while (answers.length === 0)
			await pause(5);
		/* The others end while the first waits for its answer. */
		await Promise.all(passes.slice(1));
		assert.equal(idp.fetches, before_ + 1);
		idp.fault = null;
		answers[0].writeHead(500).end();
		await passes[0];
	});
});

describe('a token of an external issuer', () => {
	before(fetchNow);

	for (const alg of ['RS256', 'EdDSA'])
		test(`signed with ${alg} speaks for a member`, async () => {
			const token = await idp.token(claimsOf('member'), { alg });
			assert.equal(parts(token).header.alg, alg);
			const answer = await me(token);
			assert.equal(answer.status, 200, answer.text);
			assert.equal(answer.json.id, `uid_${p.member.user}`);
			assert.equal(answer.json.active_membership.role, 'member');
		});
	test('may what the membership says, not what it says itself', async () => {
		const token = await idp.token({ ...claimsOf('viewer'), role: 'owner',
			sid: 'ses_1', mv: 1 });
		assert.equal((await me(token)).json.active_membership.role, 'viewer');
		assert.equal(await status(token, '/api/audit'), 403);
		const owner = await idp.token(claimsOf('owner'));
		assert.equal(await status(owner, '/api/audit'), 200);
	});
	for (const [name, change] of [
		['a removal', (them) => `DELETE FROM membership
			WHERE user_id = ${them.member.user}`],
		['an inactive user', (them) => `UPDATE app_user SET is_active = false
			WHERE id = ${them.member.user}`],
		['a suspended account', (them) => `UPDATE account
			SET status = 'suspended' WHERE id = ${them.account}`],
	])
		test(`feels ${name} at once`, async () => {
			const them = people(house);
			const token = await idp.token({ uid: `uid_${them.member.user}`,
				acc: `acc_${them.account}`, app: `app_${them.application}` });
			const path = `/api/accounts/${them.account}/emails`;
			assert.equal(await status(token, path), 200);
			sql(house, change(them));
			assert.equal(await status(token, path), 401);
		});
	test('feels a demotion at once', async () => {
		const them = people(house);
		const token = await idp.token({ uid: `uid_${them.owner.user}`,
			acc: `acc_${them.account}`, app: `app_${them.application}` });
		assert.equal(await status(token, '/api/audit'), 200);
		sql(house, `UPDATE membership SET role = 'viewer'
			WHERE user_id = ${them.owner.user}`);
		assert.equal(await status(token, '/api/audit'), 403);
	});
	test('opens no account that its user is no member of', async () => {
		assert.equal(await status(
			await idp.token(claimsOf('member', p.other))), 401);
		assert.equal(await status(await idp.token({ ...claimsOf('member'),
			app: 'app_1' })), 401);
		assert.equal(await status(await idp.token({ uid: 'uid_999999' })), 401);
	});
	test('is in the active account where it names none', async () => {
		const answer = await me(await idp.token({
			uid: `uid_${p.stranger.user}` }));
		assert.equal(answer.json.active_membership.account_id,
			`acc_${p.other}`);
	});
	test('makes no tokens of ours', async () => {
		const token = await idp.token({ ...claimsOf('owner'), cid: backend.id });
		assert.equal((await api.as({ token }).post(
			`/api/accounts/${p.account}/token`, {})).status, 403);
		const { status: code, json } = await api.post('/oauth2/token', form({
			grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
			subject_token: token, subject_token_type:
				'urn:ietf:params:oauth:token-type:access_token' }),
		basic(backend.id, backend.secret));
		assert.equal(code, 400);
		assert.equal(json.error, 'invalid_grant');
	});
	test('is told of to a client that acts as an admin, as long as it counts',
		async () => {
			const them = people(house);
			const token = await idp.token({ uid: `uid_${them.viewer.user}`,
				acc: `acc_${them.account}`, role: 'owner', cid: plain.id });
			const look = async (who) => (await api.post('/oauth2/introspect',
				form({ token }), basic(who.id, who.secret))).json;
			const admin = clientRow(house, { id: `cid_adm${them.application}`,
				application: them.application, account: them.account,
				secret: 'its secret', admin: true });
			const told = await look(admin);
			assert.deepEqual([told.active, told.iss, told.sub, told.uid,
				told.acc, told.role], [true, idp.name, 'robot',
				`uid_${them.viewer.user}`, `acc_${them.account}`, 'viewer']);
			/* Neither one of another application, nor one whose name the issuer
			 * has used. */
			for (const who of [backend, plain])
				assert.deepEqual(await look(who), { active: false });
			sql(house, `DELETE FROM membership
				WHERE user_id = ${them.viewer.user}`);
			assert.deepEqual(await look(admin), { active: false });
		});
	test('is asked for in the pipeline of what it wants', async () => {
		const them = people(house);
		const token = await idp.token({ uid: `uid_${them.member.user}`,
			acc: `acc_${them.account}` });
		const own = (await api.as({ cookie: them.member.cookie }).post(
			`/api/accounts/${them.account}/token`, {})).json.access_token;
		const ran = (guard) => readdirSync(house.logs).reduce((n, name) => n +
			readFileSync(`${house.logs}/${name}`, 'utf8')
				.split(`execute ${guard}:`).length - 1, 0);
		/* How often the guard runs in a request, at the least: each process of
		 * a family has to meet its caller once. */
		const least = async (guard, it, ask) => {
			const counts = [];
			for (let i = 0; i < 8; i++) {
				const before_ = ran(guard);
				assert.equal((await ask(api.as({ token: it }))).status, 200);
				counts.push(ran(guard) - before_);
			}
			return Math.min(...counts);
		};
		const one = `/api/provider-credentials/${(await api.as({ token: own })
			.post(`/api/accounts/${them.account}/provider-credentials`,
				mailbox)).json.data.id}`;
		assert.equal(await least('guard_external', token,
			(who) => who.get(one)), 1);
		const change = (who) => who.patch(one, { label: 'Other' });
		assert.equal(await least('guard_external', token, change),
			await least('guard_token', own, change));
	});
	test('follows its user into another account at once', async () => {
		const them = people(house);
		const token = await idp.token({ uid: `uid_${them.member.user}` });
		const write = () => api.as({ token }).post(
			`/api/accounts/${them.other}/provider-credentials`, mailbox);
		for (let i = 0; i < 8; i++)
			assert.equal((await write()).status, 403);
		sql(house, `INSERT INTO membership (application_id, account_id, user_id,
			role) VALUES (${them.application}, ${them.other},
			${them.member.user}, 'member');
			UPDATE app_user SET active_account_id = ${them.other}
			WHERE id = ${them.member.user}`);
		for (let i = 0; i < 8; i++)
			assert.equal((await write()).status, 201);
		assert.equal(sql(house, `SELECT count(*) FROM credential
			WHERE account_id = ${them.other}`), '8');
	});
	test('without a user speaks for whom an operator has linked', async () => {
		const token = await idp.token({});
		assert.equal(await status(token), 401);
		const words = ['--issuer', idp.name, '--subject', 'robot',
			'--application', String(p.application)];
		const email = sql(house, `SELECT email FROM app_user
			WHERE id = ${p.member.user}`);
		assert.equal(ctl(house, ['user', 'link', email]).status, 65);
		well(house, ['user', 'link', ...words, email]);
		assert.equal((await me(token)).json.id, `uid_${p.member.user}`);
		/* The same name at another issuer is another. */
		assert.equal(await status(await other.token({})), 401);
		/* Who says somebody else than the link does is refused. */
		assert.equal(await status(await idp.token(claimsOf('viewer'))), 401);
		well(house, ['user', 'unlink', ...words, email]);
		assert.equal(await status(token), 401);
	});
});

describe('refused is', () => {
	let header, payload;
	before(async () => {
		await fetchNow();
		({ header, payload } = parts(await idp.token(claimsOf('member'))));
		assert.equal(await status(forge(header, payload)), 200);
	});
	const now = () => Math.floor(Date.now() / 1000);

	const wrong = {
		'another audience': () => forge(header,
			{ ...payload, aud: 'https://other.example' }),
		'our own audience, which this issuer is not for': () => forge(header,
			{ ...payload, aud: house.url }),
		'an issuer that nobody has configured': () => forge(header,
			{ ...payload, iss: 'https://evil.example' }),
		'its issuer with a slash': () => forge(header,
			{ ...payload, iss: `${payload.iss}/` }),
		'our own issuer by its key': () => forge(header,
			{ ...payload, iss: house.url }),
		'another external issuer by its key': () => forge(header,
			{ ...payload, iss: other.name, aud: 'https://other.example' }),
		'another key under its kid': () => forge(header, payload, evil),
		'its issuer by our key': () => forge(
			{ ...header, kid: signingKey(house).kid }, payload,
			signingKey(house).key.export({ format: 'jwk' })),
		'an unknown kid': () => forge({ ...header, kid: 'nobody' }, payload),
		'no kid': () => forge({ ...header, kid: undefined }, payload),
		'an expired one': () => forge(header,
			{ ...payload, iat: now() - 900, exp: now() - 300 }),
		'one from the future': () => forge(header,
			{ ...payload, iat: now() + 300, exp: now() + 900 }),
		'no subject': () => forge(header, { ...payload, sub: undefined }),
		'an ID token': () => forge({ ...header, typ: 'JWT' }, payload),
		'no typ': () => forge({ ...header, typ: undefined }, payload),
		'alg none': () => `${b64({ ...header, alg: 'none' })}.${b64(payload)}.`,
		'EdDSA named for an RSA key': () => forge(
			{ ...header, alg: 'EdDSA' }, payload),
		'its public key as an HMAC secret': () => {
			const text = `${b64({ ...header, alg: 'HS256' })}.${b64(payload)}`;
			const pem = createPublicKey({ key: rsa, format: 'jwk' })
				.export({ type: 'spki', format: 'pem' });
			return `${text}.${createHmac('sha256', pem).update(text)
				.digest('base64url')}`;
		},
		'a jku of its own': () => forge(
			{ ...header, jku: 'http://127.0.0.1/jwks' }, payload),
		'a uid that is a number': () => forge(header, { ...payload, uid: 7 }),
	};
	for (const [name, make] of Object.entries(wrong))
		test(name, async () => assert.equal(await status(make()), 401));
});

describe('rotation', () => {
	test('a new key counts from the fetch that it asked for; a retired one ' +
		'no more', async () => {
		const before_ = await idp.token(claimsOf('member'));
		assert.equal(await status(before_), 200);
		idp.rotate([next, rsa, ed]);
		const after_ = await idp.token(claimsOf('member'));
		assert.equal(parts(after_).header.kid, 'rsa-2');
		assert.equal(await status(after_), 401);
		/* It asked for a fetch, which comes as soon as a minute is over. */
		const fetches = idp.fetches;
		age(idp, 'keys', 10);
		await passBeside(house, ['--quiet']);
		assert.equal(idp.fetches, fetches);
		age(idp, 'try', 61);
		await passBeside(house, ['--quiet']);
		assert.equal(idp.fetches, fetches + 1);
		assert.equal(await status(after_), 200);
		assert.equal(await status(before_), 200);

		idp.rotate([next, ed]);
		await fetchNow();
		assert.equal(await status(after_), 200);
		assert.equal(await status(before_), 401);
		idp.rotate([rsa, ed]);
		await fetchNow();
	});
});

describe('an issuer that fails', () => {
	let token;
	before(async () => {
		await fetchNow();
		token = await idp.token(claimsOf('member'));
		assert.equal(await status(token), 200);
	});
	const text = (body, code = 200) => (request, answer) =>
		answer.writeHead(code, { 'content-type': 'application/json' })
			.end(body);
	const publicKey = (n) => {
		const { kty, e, n: modulus } = rsa;
		return { kty, e, n: modulus, kid: `k${n}`, alg: 'RS256', use: 'sig' };
	};
	const faults = {
		'that is down': (request) => request.socket.destroy(),
		'that answers 500': text('{"keys": []}', 500),
		'with no JSON': text('<html>'),
		'with no keys': text('{"keys": []}'),
		'with more than 64 KiB': text(JSON.stringify({ keys: [publicKey(1)],
			more: 'x'.repeat(70000) })),
		'with more than 16 keys': text(JSON.stringify({
			keys: Array.from({ length: 17 }, (_, i) => publicKey(i)) })),
		'that leads elsewhere': (request, answer) => answer.writeHead(302,
			{ location: other.keysUrl }).end(),
	};
	for (const [name, fault] of Object.entries(faults))
		test(`${name} keeps the keys that it had`, async () => {
			idp.fault = fault;
			const before_ = idp.fetches;
			assert.equal(await fetchNow(), 0);
			idp.fault = null;
			assert.equal(idp.fetches, before_ + 1);
			assert.equal(await status(token), 200);
		});
	test('keeps them for a day, and no longer', async () => {
		age(idp, 'keys', 23.9 * 3600);
		assert.equal(await status(token), 200);
		age(idp, 'keys', 24.1 * 3600);
		assert.equal(await status(token), 401);
		await fetchNow();
		assert.equal(await status(token), 200);
	});
});

describe('a flood of unknown keys', () => {
	/* Over connections that stay. */
	async function flood(n, lanes = 16) {
		const agent = new http.Agent({ keepAlive: true, maxSockets: lanes });
		const { header, payload } = parts(await idp.token(claimsOf('member')));
		const tail = `.${b64(payload)}.${randomBytes(256)
			.toString('base64url')}`;
		const one = () => new Promise((resolve, reject) => http.get(
			`${house.url}/auth/me`, { agent, headers: {
				authorization: `Bearer ${b64({ ...header,
					kid: randomBytes(12).toString('hex') })}${tail}` } },
			(answer) => {
				answer.resume();
				answer.on('end', () => resolve(answer.statusCode));
			}).on('error', reject));
		let left = n;
		const lane = async () => {
			while (left-- > 0)
				assert.equal(await one(), 401);
		};
		await Promise.all(Array.from({ length: lanes }, lane));
		agent.destroy();
	}
	test('of 10,000 causes one fetch a minute at most', async () => {
		await fetchNow();
		age(idp, 'try', 61);
		age(idp, 'keys', 10);
		const before_ = [idp.fetches, other.fetches];
		await house.start('sync');
		await flood(10000);
		/* What they asked for has come; nothing else does. */
		for (let i = 0; i < 200 && idp.fetches === before_[0]; i++)
			await pause(50);
		await pause(1500);
		await house.stop('sync');
		assert.equal(idp.fetches, before_[0] + 1);
		assert.equal(other.fetches, before_[1]);
		assert.ok(readdirSync(`${house.state}/data/issuers`).length <= 8);
	});
});

describe('the option', () => {
	const test_ = (value) => ctl(house, ['account', 'list'],
		{ env: { LETTERRACK_EXTERNAL_ISSUER: value } });
	for (const [name, value] of [
		['one word', 'https://idp.example'],
		['four words', 'https://idp.example a https://idp.example/jwks b'],
		['keys by http from elsewhere',
			'https://idp.example a http://idp.example/jwks'],
		['keys from a name that only looks local',
			'https://idp.example a http://localhost.example/jwks'],
		['keys from a file', 'https://idp.example a file:///etc/passwd'],
	])
		test(`refuses ${name}`, () => {
			const { status: code, err } = test_(value);
			assert.equal(code, 78);
			assert.match(err, /EXTERNAL_ISSUER: .*three words/);
		});
	test('takes one', () => assert.equal(test_(
		'https://idp.example a https://idp.example/jwks').status, 0));
	test('an address that may not be dialled is not', async () => {
		const err = pass(house, [], { env: { LETTERRACK_EXTERNAL_ISSUER:
			'https://idp.example a https://10.0.0.1/jwks' } });
		assert.match(err, /keys not fetched .*not to be dialled from here/);
	});
});
