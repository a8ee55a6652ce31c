-- A message's structure, as it was told at the sync, with names of one letter:
-- it is the widest column of an email, and half of it were names. email_told is
-- how it is read; src/domain/sync/row.c writes it.

SET LOCAL search_path = letterrack;

UPDATE email SET structure = replace(replace(replace(replace(replace(replace(
    replace(replace(replace(structure,
	'"part_number":', '"n":'), '"parent":', '"p":'),
	'"content_type":', '"t":'), '"charset":', '"c":'),
	'"filename":', '"f":'), '"disposition":', '"d":'),
	'"content_id":', '"i":'), '"encoding":', '"e":'),
	'"size_bytes":', '"s":')
WHERE structure IS NOT NULL;

CREATE FUNCTION email_told(structure text) RETURNS TABLE (
	"position" bigint, part_number text, parent text, content_type text,
	charset text, filename text, disposition text, content_id text,
	encoding text, size_bytes bigint)
LANGUAGE sql STABLE AS $$
	SELECT o.position, o.part->>'n', o.part->>'p', o.part->>'t',
	    o.part->>'c', o.part->>'f', o.part->>'d', o.part->>'i',
	    o.part->>'e', (o.part->>'s')::bigint
	FROM json_array_elements(structure::json)
	    WITH ORDINALITY AS o (part, "position")
$$;
