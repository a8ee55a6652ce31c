// A mail server that does as it is told, for what a good one never does.
//
//	const server = await imapStandIn();
//	server.port, server.opened, server.seen   // connections, commands so far
//	server.password = 'another';              // the old one is refused
//	server.silent = true;                     // it says nothing any more
//	server.say('* 2 EXISTS');                 // to all who wait in IDLE
//	server.cut();                             // all connections break off
//	await server.end();
//
// It has an INBOX with one message, and knows what a watcher asks.
import { once } from 'node:events';
import net from 'node:net';
import { createInterface } from 'node:readline';

const plain = (text) => Buffer.from(text, 'base64').toString().split('\0')[2];

export async function imapStandIn({
	capabilities = 'IMAP4rev1 AUTH=PLAIN SASL-IR IDLE', password = 'letterrack',
} = {}) {
	const sockets = new Set(), idling = new Set();
	const it = { password, opened: 0, seen: [], silent: false };

	const answers = {
		CAPABILITY: (tag) => `* CAPABILITY ${capabilities}\r\n${tag} OK done\r\n`,
		AUTHENTICATE: (tag, rest) => plain(rest.split(' ')[1]) === it.password
			? `${tag} OK in\r\n`
			: `${tag} NO [AUTHENTICATIONFAILED] wrong password\r\n`,
		EXAMINE: (tag) => '* 1 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n' +
			`* OK [UIDNEXT 2] x\r\n${tag} OK [READ-ONLY] open\r\n`,
		NOOP: (tag) => `${tag} OK nothing\r\n`,
	};

	function command(socket, line) {
		const [tag, word, ...rest] = line.split(' ');
		const verb = word?.toUpperCase() ?? line;
		it.seen.push(line.toUpperCase() === 'DONE' ? 'DONE' : verb);
		if (it.silent)
			return;
		if (line.toUpperCase() === 'DONE') {
			idling.delete(socket);
			socket.write(`${socket.idle} OK done\r\n`);
		} else if (verb === 'IDLE' && it.refusesIdle) {
			socket.write(`${tag} NO not now\r\n`);
		} else if (verb === 'IDLE') {
			socket.idle = tag;
			idling.add(socket);
			socket.write('+ go on\r\n');
		} else
			socket.write(answers[verb]?.(tag, rest.join(' ')) ??
				`${tag} BAD no such command\r\n`);
	}

	const server = net.createServer((socket) => {
		it.opened++;
		sockets.add(socket);
		socket.on('error', () => {});
		socket.on('close', () => {
			sockets.delete(socket);
			idling.delete(socket);
		});
		socket.write(`* OK [CAPABILITY ${capabilities}] ready\r\n`);
		createInterface({ input: socket, crlfDelay: Infinity })
			.on('line', (line) => command(socket, line))
			.on('error', () => {});
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return Object.assign(it, {
		port: server.address().port,
		idling: () => idling.size,
		say: (text) => idling.forEach((socket) => socket.write(`${text}\r\n`)),
		cut: () => sockets.forEach((socket) => socket.destroy()),
		async end() {
			it.cut();
			server.close();
			await once(server, 'close');
		},
	});
}
