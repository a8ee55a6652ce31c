<?php
// The list of threads as a plain PHP program gives it: the same statement, the
// same rows as JSON, labels by name; it does not check who asks.
declare(strict_types=1);

const NUMBER = ['id', 'assigned_to', 'email_count', 'unread_count'];
const TIME = ['last_message_at', 'snoozed_until', 'created_at', 'updated_at'];
const HIDDEN = ['sort_at', 'account_total', 'labels_at'];
const LIMIT = 50;

function connected()
{
	return pg_pconnect($_SERVER['BENCH_DSN']);
}

function asked($db, string $name, string $text, array $parameters): array
{
	$result = @pg_execute($db, $name, $parameters);
	if ($result === false) {
		pg_prepare($db, $name, $text);
		$result = pg_execute($db, $name, $parameters);
	}
	return pg_fetch_all($result);
}

function shown(array $row, array $labels): array
{
	foreach (NUMBER as $name)
		$row[$name] = $row[$name] === null ? null : (int) $row[$name];
	$row['has_attachments'] = $row['has_attachments'] === 't';
	foreach (TIME as $name)
		$row[$name] = $row[$name] === null ? null
			: strtr(substr($row[$name], 0, 19), ' ', 'T') . '+00:00';
	$row['labels'] = array_map(fn ($id) => $labels[$id],
		str_getcsv(trim($row['labels'], '{}'), ',', '"', ''));
	foreach (HIDDEN as $name)
		unset($row[$name]);
	return $row;
}

$db = connected();
[$at, $id] = explode(' ', base64_decode($_GET['cursor']));
$labels = [];
foreach (asked($db, 'labels', 'SELECT id, name, color FROM label WHERE
	account_id = $1', [$_SERVER['BENCH_ACCOUNT']]) as $label)
	$labels[$label['id']] = ['id' => (int) $label['id'],
		'name' => $label['name'], 'color' => $label['color']];
$rows = asked($db, 'list', file_get_contents($_SERVER['BENCH_SQL']),
	[$_SERVER['BENCH_ACCOUNT'], $at, $id, LIMIT + 1, 0, 'open']);
$next = null;
if (count($rows) > LIMIT) {
	array_pop($rows);
	$last = end($rows);
	$next = base64_encode(strtr($last['sort_at'], ' ', 'T') . ' '
		. $last['id']);
}
$text = json_encode(['threads' => array_map(
	fn ($row) => shown($row, $labels), $rows),
	'meta' => ['total' => (int) ($rows[0]['account_total'] ?? 0),
		'limit' => LIMIT, 'next_cursor' => $next]],
	JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
header('Content-Type: application/json');
header('Content-Length: ' . strlen($text));
echo $text;
