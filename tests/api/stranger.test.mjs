// What a stranger tries at the doors of identity, beyond what each door's own
// tests have: tokens carried from one door to another, addresses that look like
// somebody's, guesses, framing, and what is left after a password was changed.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { back, basic, clientRow, form, formOf, pkce } from '../lib/oauth.mjs';
import { mailsTo, tokenTo } from '../lib/outbox.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';
import { cookieOf } from '../lib/tokens.mjs';

const good = 'correct horse battery';
const uri = 'https://client.example/cb';
const accessType = 'urn:ietf:params:oauth:token-type:access_token';
let house, api, p, web, secretive;

const hex = (n = 4) => randomBytes(n).toString('hex');
const token = (fields, headers) =>
	api.post('/oauth2/token', form(fields), headers);
const alive = async (bearer) =>
	(await api.as({ token: bearer }).get('/oauth2/userinfo')).status === 200;

before(async () => {
	house = await stack();
	api = client(house);
	p = people(house);
	web = clientRow(house, { id: `cid_w${hex()}`, application: p.application,
		uris: [uri] });
	secretive = clientRow(house, { id: `cid_s${hex()}`,
		application: p.application, account: p.account, secret: 'its own',
		uris: [uri] });
});

/** A member with a password, signed in by it. */
async function member(local = `m-${hex()}`) {
	const email = `${local}@inside.test`;
	const user = sql(house, `INSERT INTO app_user (application_id, email,
		active_account_id) VALUES (${p.application}, '${email}', ${p.account})
		RETURNING id`);
	sql(house, `INSERT INTO membership (application_id, account_id, user_id,
		role) VALUES (${p.application}, ${p.account}, ${user}, 'member')`);
	await ask('/auth/send-password-reset', email);
	const answer = await api.post('/auth/reset-password',
		{ token: tokenTo(house, email), password: good });
	assert.equal(answer.status, 200, answer.text);
	return { user: Number(user), email, ...await enter(email) };
}

const ask = (path, email) => api.post(path, { email, client_id: web.id });

async function enter(email) {
	const answer = await api.post('/auth/sign-in',
		{ email, password: good, client_id: web.id });
	assert.equal(answer.status, 200, answer.text);
	return { ...answer.json.tokens, cookie: cookieOf(answer) };
}

/** Tokens that a client got by a code. */
async function granted(who, scope = 'openid offline_access') {
	const { verifier, challenge } = pkce();
	const wish = { response_type: 'code', client_id: web.id, redirect_uri: uri,
		scope, state: 's', code_challenge: challenge,
		code_challenge_method: 'S256' };
	const as = api.as({ cookie: who.cookie });
	let answer = await as.get(`/oauth2/authorize?${form(wish)}`);
	if (answer.status === 200) {
		const { action, fields } = formOf(answer.text);
		answer = await as.post(action, form({ ...fields, decision: 'allow' }));
	}
	const { json, text, status } = await token({
		grant_type: 'authorization_code', code: back(answer, uri).code,
		client_id: web.id, redirect_uri: uri, code_verifier: verifier });
	assert.equal(status, 200, text);
	return json;
}

describe('a token at another door', () => {
	const renew = (refresh, more, headers) => token({
		grant_type: 'refresh_token', refresh_token: refresh, ...more }, headers);

	test('a client\'s refresh token is none to another client, and ends ' +
		'nothing', async () => {
		const { refresh_token: mine } = await granted(await member());
		const answer = await renew(mine, {}, basic(secretive.id, 'its own'));
		assert.equal(answer.status, 400, answer.text);
		assert.equal(answer.json.error, 'invalid_grant');
		assert.equal((await renew(mine, { client_id: web.id })).status, 200);
	});
	test('nor is a sign-in\'s to a client that did not sign in', async () => {
		const { refresh_token: mine } = await member();
		const answer = await renew(mine, {}, basic(secretive.id, 'its own'));
		assert.equal(answer.status, 400, answer.text);
		assert.equal(answer.json.error, 'invalid_grant');
	});
	for (const kind of ['access_token', 'refresh_token'])
		test(`a stranger's client revokes no ${kind} of others`, async () => {
			const who = await granted(await member());
			const answer = await api.post('/oauth2/revoke',
				form({ token: who[kind] }), basic(secretive.id, 'its own'));
			assert.equal(answer.status, 200);
			assert.ok(await alive(who.access_token));
		});
	test('a mailed token is no bearer, cookie, code or refresh token',
		async () => {
			const { email } = await member();
			await ask('/auth/send-magic-link', email);
			const mailed = tokenTo(house, email);
			assert.ok(!await alive(mailed));
			assert.equal((await api.as({ cookie: mailed }).get('/auth/me'))
				.status, 401);
			assert.equal((await api.post('/auth/refresh',
				{ refresh_token: mailed })).status, 401);
			assert.equal((await renew(mailed, { client_id: web.id })).status, 400);
			assert.equal((await api.post('/auth/sign-in-with-token',
				{ token: mailed })).status, 200, 'it was used up');
		});
	test('a session\'s cookie is no bearer, and no token is a cookie',
		async () => {
			const who = await member();
			assert.ok(!await alive(who.cookie));
			for (const text of [who.access_token, who.refresh_token])
				assert.equal((await api.as({ cookie: text }).get('/auth/me'))
					.status, 401);
		});
	test('a machine exchanges no user\'s token into its account', async () => {
		const { access_token: theirs } = await member();
		const answer = await token({
			grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
			subject_token: theirs, subject_token_type: accessType },
		basic(secretive.id, 'its own'));
		assert.equal(answer.status, 400, answer.text);
		assert.equal(answer.json.access_token, undefined);
	});
});

describe('an address that looks like somebody\'s', () => {
	const mailed = (address) => sql(house, `SELECT count(*) FROM outgoing
		WHERE recipient = '${address}'`);

	for (const [letter, times] of [['\u212a', '0'], ['\uff4b', '0'],
		['K', '2']])
		test(`U+${letter.codePointAt(0).toString(16)} for a k gets ${times} ` +
			'of its mails', async () => {
			const tail = hex();
			await member(`kim-${tail}`);
			const typed = `${letter}im-${tail}@inside.test`;
			await ask('/auth/send-password-reset', typed);
			await ask('/auth/send-magic-link', typed);
			assert.equal(mailed(typed), times);
		});
	test('is invited, and becomes nobody who is there', async () => {
		const tail = hex();
		const who = await member(`kim-${tail}`);
		const typed = `\u212aim-${tail}@inside.test`;
		const invited = await api.as({ cookie: p.stranger.cookie }).post(
			`/api/accounts/${p.other}/invite`, { email: typed, role: 'viewer' });
		assert.equal(invited.status, 201, invited.text);
		const answer = await api.post('/auth/accept-invite',
			{ token: tokenTo(house, typed), password: good });
		assert.notEqual(answer.status, 200, answer.text);
		assert.equal(cookieOf(answer), undefined);
		assert.equal(sql(house, `SELECT count(*) FROM membership
			WHERE user_id = ${who.user}`), '1');
	});
	test('that was somebody\'s, and is no more, leads nowhere', async () => {
		for (const path of ['/auth/send-password-reset',
			'/auth/send-magic-link']) {
			const who = await member();
			await ask(path, who.email);
			const old = tokenTo(house, who.email);
			sql(house, `UPDATE app_user SET email = 'now-${who.email}'
				WHERE id = ${who.user}`);
			for (const to of ['/auth/reset-password',
				'/auth/sign-in-with-token'])
				assert.notEqual((await api.post(to,
					{ token: old, password: good })).status, 200, to);
		}
	});
	test('two addresses in one are none', async () => {
		const { email } = await member();
		for (const typed of [`${email},x@evil.test`, `x@evil.test,${email}`,
			`${email}\nBcc: x@evil.test`, `${email} x@evil.test`,
			`<${email}>`, `"x" <${email}>`, `${email}%0abcc:x@evil.test`,
			[email, 'x@evil.test'], { address: email }]) {
			const answer = await ask('/auth/send-password-reset', typed);
			assert.ok([200, 202, 400, 422].includes(answer.status),
				`${typed}: ${answer.status}`);
		}
		assert.equal(mailsTo(house, 'x@evil.test').length, 0);
		assert.equal(sql(house, `SELECT count(*) FROM outgoing
			WHERE recipient LIKE '%evil%'`), '0');
	});
	test('an address is no pattern', async () => {
		await member(`wild-${hex()}`);
		for (const typed of ['%@inside.test', '_ild%@inside.test'])
			await ask('/auth/send-magic-link', typed);
		assert.equal(sql(house, `SELECT count(*) FROM one_time
			WHERE address ~ '[%_]' AND user_id IS NOT NULL`), '0');
	});
});

describe('after a password was changed', () => {
	async function change(who) {
		const answer = await api.as({ cookie: who.cookie }).post(
			`/api/users/${who.user}/password`, { current_password: good,
				new_password: `${good} 2`, confirm_password: `${good} 2` });
		assert.equal(answer.status, 200, answer.text);
	}

	test('a thief\'s session, token, refresh token and grant are over',
		async () => {
			const who = await member();
			const thief = await enter(who.email);
			const client_ = await granted(thief);
			await change(who);
			assert.equal((await api.as({ cookie: thief.cookie })
				.get('/auth/me')).status, 401, 'cookie');
			assert.ok(!await alive(thief.access_token), 'token');
			assert.equal((await api.post('/auth/refresh',
				{ refresh_token: thief.refresh_token })).status, 401, 'refresh');
			assert.ok(!await alive(client_.access_token), 'grant');
			assert.equal((await token({ grant_type: 'refresh_token',
				refresh_token: client_.refresh_token, client_id: web.id }))
				.status, 400, 'grant refresh');
		});
	test('a link that was mailed before is dead', async () => {
		const who = await member();
		await ask('/auth/send-magic-link', who.email);
		const magic = tokenTo(house, who.email);
		await ask('/auth/send-password-reset', who.email);
		const reset = tokenTo(house, who.email);
		await change(who);
		assert.notEqual((await api.post('/auth/reset-password',
			{ token: reset, password: good })).status, 200, 'reset');
		assert.notEqual((await api.post('/auth/sign-in-with-token',
			{ token: magic })).status, 200, 'magic');
	});
});

describe('a page of ours', () => {
	const pages = ['/login', '/auth/login', '/oauth2/device',
		'/auth/second-factor', '/auth/factors/page', '/oauth/callback?code=x',
		'/auth/magic?token=x', '/auth/reset?token=x', '/auth/invite?token=x',
		'/auth/verify?token=x'];

	for (const path of pages)
		test(`${path} is in no frame, no cache, and runs nothing`, async () => {
			const { headers } = await api.as({ cookie: p.member.cookie })
				.get(path, { accept: 'text/html' });
			const csp = headers['content-security-policy'];
			assert.match(csp, /frame-ancestors 'none'/);
			assert.match(csp, /default-src 'none'/);
			assert.ok(!/unsafe|script-src(?! 'none')/.test(csp), csp);
			assert.match(headers['cache-control'], /no-store/);
			assert.equal(headers['x-content-type-options'], 'nosniff');
		});
});

describe('a request dressed up', () => {
	test('as another method changes nothing', async () => {
		const as = api.as({ cookie: p.owner.cookie });
		for (const name of ['x-http-method-override', 'x-method-override',
			'x-http-method']) {
			const answer = await as.get(`/api/accounts/${p.account}`,
				{ [name]: 'DELETE' });
			assert.equal(answer.status, 200);
		}
		assert.equal(sql(house, `SELECT status FROM account
			WHERE id = ${p.account}`), 'active');
	});
	test('by a proxy of its own making is not believed', async () => {
		const answer = await api.get('/.well-known/openid-configuration', {
			'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'gopher',
			'x-original-url': '/evil', 'x-rewrite-url': '/evil',
			forwarded: 'host=evil.test' });
		assert.equal(answer.status, 200);
		assert.ok(!/evil|gopher/.test(answer.text));
	});
	for (const cookies of [(c) => `session=x; session=${c}`,
		(c) => `session=${c}; session=x`])
		test(`with two sessions, ${cookies('good')}, is one or nobody`,
			async () => {
				const answer = await api.get('/auth/me',
					{ cookie: cookies(p.member.cookie) });
				assert.ok([200, 401].includes(answer.status), answer.text);
				if (answer.status === 200)
					assert.match(answer.text, new RegExp(`${p.member.user}\\b`));
			});
	test('with a cookie and somebody else\'s token is the token\'s alone',
		async () => {
			const { access_token: theirs, user } = await member();
			const answer = await api.get('/auth/me', {
				cookie: `session=${p.owner.cookie}`,
				authorization: `Bearer ${theirs}` });
			assert.equal(answer.status, 200);
			assert.match(answer.text, new RegExp(`uid_${user}\\b`));
		});
	test('with a cookie and a broken token is nobody', async () => {
		const answer = await api.get('/auth/me', {
			cookie: `session=${p.owner.cookie}`, authorization: 'Bearer x' });
		assert.equal(answer.status, 401);
	});
});

describe('codes that somebody could guess', () => {
	test('a device\'s is looked up for who is signed in only', async () => {
		const { json } = await api.post('/oauth2/device_authorization',
			form({ client_id: web.id, scope: 'openid' }));
		const answer = await api.get(
			`/oauth2/device?user_code=${json.user_code}`,
			{ accept: 'text/html' });
		assert.ok(!answer.text.includes(web.id));
		assert.ok([302, 303, 401].includes(answer.status), `${answer.status}`);
	});
	test('a pattern, a prefix or nothing is no device\'s code', async () => {
		const { json } = await api.post('/oauth2/device_authorization',
			form({ client_id: web.id, scope: 'openid' }));
		const as = api.as({ cookie: p.member.cookie });
		for (const typed of ['', '%', '________', json.user_code.slice(0, 4),
			`${json.user_code}X`, json.device_code]) {
			const answer = await as.post('/oauth2/device',
				form({ user_code: typed, decision: 'approve' }));
			assert.ok(!answer.text.includes(web.id), typed);
		}
		const waits = await token({
			grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
			device_code: json.device_code, client_id: web.id });
		assert.equal(waits.json.error, 'authorization_pending');
	});
});
