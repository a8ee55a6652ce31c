// An authenticator: codes by time (RFC 6238), computed without the product.
import { createHmac } from 'node:crypto';

/** RFC 4648 6. */
export function base32(text) {
	const bits = [...text].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
		.indexOf(c).toString(2).padStart(5, '0')).join('');
	return Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
}

/** The code `steps` from now. */
export function totp(secret, steps = 0) {
	const counter = Buffer.alloc(8);
	counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + steps));
	const mac = createHmac('sha1', base32(secret)).update(counter).digest();
	const at = mac[19] & 15;
	return String((mac.readUInt32BE(at) & 0x7fffffff) % 1000000)
		.padStart(6, '0');
}

/** Six digits that are no code of now. */
export const wrong = (secret) => ['000000', '111111', '222222', '333333',
	'444444', '555555'].find((code) =>
	![-2, -1, 0, 1, 2].some((n) => totp(secret, n) === code));

/** Turns a factor on for whoever `as` is; { secret, codes }. */
export async function enrol(as, password) {
	const begun = await as.post('/auth/factors/totp',
		password ? { password } : {});
	if (begun.status !== 201)
		throw new Error(begun.text);
	const { secret } = begun.json;
	const on = await as.post('/auth/factors/totp/confirm',
		{ code: totp(secret, -1) });
	if (on.status !== 200)
		throw new Error(on.text);
	return { secret, codes: on.json.recovery_codes };
}
