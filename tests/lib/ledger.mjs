// An SMTP server that writes down what it has taken, which is all that is ever
// believed of mail that was sent: a message is in the ledger when its last dot
// has come, whether or not anybody lived to read the answer.
//
//	const ledger = await keepLedger();          // takes all
//	const ledger = await keepLedger(async (id) => { … throw refusal(451); });
//	ledger.port, ledger.taken, ledger.sessions, await ledger.end()
//	ledger.cut();                               // all connections; how many
//
// taken: Message-ID -> how often. With `knows` it takes XOAUTH2 alone, and tokens
// of which that says yes.
import { once } from 'node:events';
import { SMTPServer } from 'smtp-server';

export const refusal = (code, text = 'not now') =>
	Object.assign(new Error(text), { responseCode: code });

const idOf = (bytes) => /^Message-ID: (<[^>]*>)/mi.exec(bytes)?.[1];

export async function keepLedger(verdict = async () => {}, knows) {
	const ledger = { taken: new Map(), sessions: 0 };
	const sockets = new Set();
	const server = new SMTPServer({
		allowInsecureAuth: true, disabledCommands: ['STARTTLS'],
		disableReverseLookup: true, closeTimeout: 100,
		authMethods: knows ? ['XOAUTH2'] : ['PLAIN', 'LOGIN'],
		onAuth: (auth, _, done) => !knows || knows(auth.accessToken)
			? done(null, { user: auth.username })
			: done(null, { data: { status: '401', schemes: 'bearer' } }),
		onConnect(_, done) {
			ledger.sessions++;
			done();
		},
		async onData(stream, _, done) {
			let text = '';
			stream.on('data', (piece) => {
				text += piece.toString('latin1');
			});
			try {
				await once(stream, 'end');
			} catch {
				return; // whoever was talking is gone
			}
			const id = idOf(text);
			try {
				await verdict(id);
				ledger.taken.set(id, (ledger.taken.get(id) ?? 0) + 1);
				done();
			} catch (e) {
				done(e);
			}
		},
	});
	server.on('error', () => {});
	server.server.on('connection', (socket) => {
		sockets.add(socket);
		socket.on('close', () => sockets.delete(socket));
	});
	server.listen(0, '127.0.0.1');
	await once(server.server, 'listening');
	return Object.assign(ledger, { port: server.server.address().port,
		cut() {
			const n = sockets.size;
			sockets.forEach((socket) => socket.destroy());
			return n;
		},
		end: () => new Promise((done) => { server.close(done); }) });
}
