// Tokens made by hand, right and wrong.
import { createPrivateKey, createSign } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import assert from 'node:assert/strict';

export const b64 = (value) => Buffer.from(
	typeof value === 'string' || Buffer.isBuffer(value)
		? value : JSON.stringify(value)).toString('base64url');

/** The installation's own signing key: { kid, key }. */
export function signingKey(house) {
	const dir = `${house.state}/keys`;
	const file = readdirSync(dir).find((n) => /^token-.*\.pem$/.test(n));
	return {
		kid: file.slice('token-'.length, -'.pem'.length),
		key: createPrivateKey(readFileSync(`${dir}/${file}`)),
	};
}

export function sign(key, header, payload) {
	const text = `${b64(header)}.${b64(payload)}`;
	return `${text}.${createSign('sha256').update(text)
		.sign(key).toString('base64url')}`;
}

export function parts(token) {
	const [header, payload, signature] = token.split('.');
	const read = (s) => JSON.parse(Buffer.from(s, 'base64url'));
	return { header: read(header), payload: read(payload), signature };
}

export async function signIn(api, email, password) {
	const answer = await api.post('/auth/sign-in', { email, password });
	assert.equal(answer.status, 200, answer.text);
	return answer.json.tokens.access_token;
}

export const cookieOf = (answer) =>
	/^session=([^;]*)/.exec(answer.headers['set-cookie']?.[0])?.[1];
