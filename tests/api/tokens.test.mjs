// Access tokens: one that is right, and everything near it that is refused
// (facts 1-6: algorithm, key, header, claims).
import assert from 'node:assert/strict';
import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { stack } from '../lib/stack.mjs';
import { b64, parts, sign, signIn, signingKey } from '../lib/tokens.mjs';

let house, api, token, header, claims, key, kid;

before(async () => {
	house = await stack();
	api = client(house);
	token = await signIn(api, 'demo@c-imap.local', 'demo123');
	({ header, payload: claims } = parts(token));
	({ key, kid } = signingKey(house));
});

const me = (bearer, path = '/auth/me') => api.as({ token: bearer }).get(path);

async function refused(bearer, path) {
	const answer = await me(bearer, path);
	assert.equal(answer.status, 401, `${answer.status} ${bearer}`);
	assert.equal(answer.json.code, 'unauthorized');
	assert.equal(answer.headers['content-type'], 'application/problem+json');
}

test('the token of sign-in works, and has the form of RFC 9068', async () => {
	assert.equal((await me(token)).json.id, 'uid_2');
	assert.deepEqual(header, { alg: 'RS256', typ: 'at+jwt', kid });
	assert.equal(claims.exp - claims.iat, 600);
	for (const name of ['iss', 'aud', 'sub', 'uid', 'app', 'acc', 'role', 'sid',
		'scope'])
		assert.equal(typeof claims[name], 'string', name);
	assert.equal(typeof claims.mv, 'number');
});

test('one signed here by the same key works: the refusals below mean it',
	async () => {
		assert.equal((await me(sign(key, header, claims))).status, 200);
	});

describe('algorithms', () => {
	const rest = () => token.split('.')[1];
	for (const alg of ['none', 'None', 'NONE', 'nOnE', ''])
		for (const signature of ['', 'AA'])
			test(`alg ${JSON.stringify(alg)}, signature "${signature}"`,
				() => refused(`${b64({ ...header, alg })}.${rest()}.` +
					signature));

	const keys = {
		pem: (k) => k.export({ type: 'spki', format: 'pem' }),
		'pem without its last newline': (k) =>
			k.export({ type: 'spki', format: 'pem' }).trimEnd(),
		'pkcs1 pem': (k) => k.export({ type: 'pkcs1', format: 'pem' }),
		der: (k) => k.export({ type: 'spki', format: 'der' }),
		jwk: (k) => JSON.stringify(k.export({ format: 'jwk' })),
		modulus: (k) => Buffer.from(k.export({ format: 'jwk' }).n,
			'base64url'),
		empty: () => '',
	};
	for (const [name, form] of Object.entries(keys))
		for (const [alg, hash] of [['HS256', 'sha256'], ['HS512', 'sha512']])
			test(`${alg} keyed by the public key as ${name}`, () => {
				const text = `${b64({ ...header, alg })}.${rest()}`;
				return refused(`${text}.${createHmac(hash,
					form(createPublicKey(key))).update(text)
					.digest('base64url')}`);
			});
	for (const alg of ['RS384', 'RS512', 'PS256', 'ES256', 'EdDSA', 'rs256'])
		test(`${alg} in the header of an RS256 signature`, () =>
			refused(sign(key, { ...header, alg }, claims)));
});

describe('keys', () => {
	const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
	test('another key under our kid', () =>
		refused(sign(other.privateKey, header, claims)));
	test('a kid of nobody', () => refused(sign(key,
		{ ...header, kid: 'x'.repeat(43) }, claims)));
	test('no kid', () => refused(sign(key, { ...header, kid: undefined },
		claims)));
	for (const bad of ['../../../../etc/passwd', '/dev/null', "' OR 1=1 --",
		'token-current', '', '\u0000', 'a'.repeat(200), 7, null, ['x'], {}])
		test(`kid ${JSON.stringify(bad).slice(0, 30)}`, () =>
			refused(sign(key, { ...header, kid: bad }, claims)));
	test('kid twice', () => refused(sign(key,
		`{"alg":"RS256","typ":"at+jwt","kid":"x","kid":"${kid}"}`, claims)));
	const jwk = other.publicKey.export({ format: 'jwk' });
	for (const [name, value] of [['jwk', jwk], ['jku', 'http://127.0.0.1:1/'],
		['x5u', 'http://127.0.0.1:1/'], ['x5c', ['AA==']], ['x5t', 'AA'],
		['crit', ['exp']], ['crit', []], ['b64', false], ['zip', 'DEF'],
		['enc', 'A128GCM'], ['cty', 'JWT']]) {
		if (name === 'x5t')
			continue; // says which certificate, brings none along
		test(`${name} in the header of a token that is right otherwise`, () =>
			refused(sign(key, { ...header, [name]: value }, claims)));
	}
	test('the key that the header brings along', () => refused(
		sign(other.privateKey, { ...header, jwk }, claims)));
});

describe('types', () => {
	for (const typ of ['JWT', 'jwt', 'at+JWT ', 'id+jwt', 'rt+jwt', '', null,
		undefined, 1])
		test(`typ ${JSON.stringify(typ)}`, () =>
			refused(sign(key, { ...header, typ }, claims)));
});

describe('the form', () => {
	const mutants = {
		'four segments': (t) => `${t}.AA`,
		'two segments': (t) => t.split('.').slice(0, 2).join('.'),
		'one segment': (t) => t.split('.')[0],
		'an empty first': (t) => t.replace(/^[^.]*/, ''),
		'an empty payload': (t) => t.replace(/\.[^.]*\./, '..'),
		'no signature': (t) => t.replace(/[^.]*$/, ''),
		'padding': (t) => `${t}==`,
		'a stray bit': (t) => `${t.slice(0, -1)}${
			String.fromCharCode(t.charCodeAt(t.length - 1) + 1)}`,
		'a changed signature': (t) => t.replace(/\.(.)([^.]*)$/,
			(_, c, rest) => `.${c === 'A' ? 'B' : 'A'}${rest}`),
		'plus and slash': (t) => t.replace(/[^.]{4}$/, '+/+/'),
		'a blank inside': (t) => t.replace('.', ' .'),
		'a dot in front': (t) => `.${t}`,
		'over 8 KiB': (t) => t.replace(/\.[^.]*$/, `.${'A'.repeat(7800)}`),
	};
	for (const [name, mutate] of Object.entries(mutants))
		test(name, async () => {
			const { status } = await me(mutate(token));
			assert.ok([400, 401, 431].includes(status) &&
				(status === 401 || name === 'over 8 KiB'), status);
		});
	test('a payload that is no object', () =>
		refused(sign(key, header, '[]')));
	test('a payload with a claim twice', () => refused(sign(key, header,
		JSON.stringify(claims).replace('{', '{"exp":9999999999,'))));
	test('a payload with bytes behind it', () =>
		refused(sign(key, header, `${JSON.stringify(claims)}x`)));
	for (const scheme of ['Basic', 'Token', ''])
		test(`the scheme "${scheme}"`, async () => {
			const answer = await api.get('/auth/me',
				{ authorization: `${scheme} ${token}` });
			assert.equal(answer.status, 401);
		});
});

describe('claims', () => {
	const now = () => Math.floor(Date.now() / 1000);
	const needed = ['iss', 'aud', 'sub', 'exp', 'iat', 'uid', 'app', 'acc',
		'role', 'sid', 'mv'];
	for (const name of needed) {
		test(`without ${name}`, () =>
			refused(sign(key, header, { ...claims, [name]: undefined })));
		for (const value of [null, true, {}, [], '', 2 ** 63, -1, 1.5])
			test(`${name} = ${JSON.stringify(value)}`, () =>
				refused(sign(key, header, { ...claims, [name]: value })));
	}
	for (const name of ['exp', 'iat', 'mv'])
		test(`${name} as text`, () => refused(sign(key, header,
			{ ...claims, [name]: String(claims[name]) })));
	for (const name of ['uid', 'app', 'acc', 'sid'])
		for (const form of [(n) => n, (n) => String(n), (n) => `x_${n}`,
			(n) => `${name}_0${n}`, (n) => `${name}_${n} `])
			test(`${name} in the form ${form(1)}`, () => refused(sign(key,
				header, { ...claims, [name]:
				form(Number(claims[name].split('_')[1])) })));

	const rows = {
		'expired': () => ({ exp: now() - 31, iat: now() - 900 }),
		'issued ahead': () => ({ iat: now() + 120, exp: now() + 600 }),
		'not before ahead': () => ({ nbf: now() + 120 }),
		'nbf as text': () => ({ nbf: '0' }),
		'exp before iat': () => ({ exp: claims.iat - 1 }),
		'another issuer': () => ({ iss: 'https://evil.example' }),
		'the issuer with a slash': () => ({ iss: `${claims.iss}/` }),
		'another audience': () => ({ aud: 'https://evil.example' }),
		'audiences, none ours': () => ({ aud: ['https://evil.example'] }),
		'an audience that begins as ours': () => ({ aud: `${claims.aud}.evil` }),
		'another user': () => ({ uid: 'uid_1' }),
		'another user and subject': () => ({ uid: 'uid_1', sub: 'uid_1' }),
		'another application': () => ({ app: 'app_999' }),
		'an account without membership': () => ({ acc: 'acc_2' }),
		'an account of nobody': () => ({ acc: 'acc_999999' }),
		'a session of nobody': () => ({ sid: 'ses_999999' }),
		'older rights': () => ({ mv: claims.mv - 1 }),
		'newer rights': () => ({ mv: claims.mv + 1 }),
		'a role that is none': () => ({ role: 'superuser' }),
		'a role in capitals': () => ({ role: 'OWNER' }),
		'a machine with a session': () => ({ uid: undefined,
			sub: 'cid_demo', cid: 'cid_demo' }),
	};
	for (const [name, change] of Object.entries(rows))
		test(name, () =>
			refused(sign(key, header, { ...claims, ...change() })));
	test('an audience among others works', async () => {
		const more = { ...claims, aud: ['https://x.example', claims.aud] };
		assert.equal((await me(sign(key, header, more))).status, 200);
	});
	test("another person's session", async () => {
		const stranger = parts(await signIn(api, 'other@c-imap.local',
			'other123')).payload;
		await refused(sign(key, header, { ...claims, sid: stranger.sid }));
	});
	test('a machine client that has no secret', () => refused(sign(key, header,
		{ ...claims, uid: undefined, sid: undefined, mv: undefined,
			sub: 'cid_demo', cid: 'cid_demo' }), '/api/accounts'));
	test('a machine client in a role that is not its own', () => refused(sign(
		key, header, { ...claims, uid: undefined, sid: undefined,
			mv: undefined, sub: 'cid_backend', cid: 'cid_backend',
			role: 'owner' }), '/api/accounts'));
	test('a machine client in its own role works', async () => {
		const answer = await me(sign(key, header, { ...claims,
			uid: undefined, sid: undefined, mv: undefined,
			sub: 'cid_backend', cid: 'cid_backend' }), '/api/accounts');
		assert.equal(answer.status, 200);
		assert.deepEqual(answer.json.data.map((a) => a.id), ['acc_1']);
	});
});

describe('the keys', () => {
	test('are published, cacheable, and only their public halves', async () => {
		const answer = await api.get('/.well-known/jwks.json');
		assert.equal(answer.status, 200);
		assert.match(answer.headers['cache-control'], /max-age=\d+/);
		const ours = answer.json.keys.find((k) => k.kid === kid);
		assert.deepEqual(Object.keys(ours).sort(),
			['alg', 'e', 'kid', 'kty', 'n', 'use']);
		const again = await api.get('/.well-known/jwks.json',
			{ 'if-none-match': answer.headers.etag });
		assert.equal(again.status, 304);
	});
});
