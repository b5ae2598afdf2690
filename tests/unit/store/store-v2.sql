-- A database of schema 2, as `sqlite3 p.db .dump` prints it, and its two header numbers. It is that
-- of schema 1 brought up to date, and through store.h an evaluated individual of two shards with
-- tallies of three words, and a pending one with named values. Never edit; a change of the schema
-- adds a file.
PRAGMA application_id=1885434469;
PRAGMA user_version=2;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE about( key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO about VALUES('paretod','0.1.0');
CREATE TABLE sweep_counts( sweep_id INTEGER PRIMARY KEY REFERENCES sweep, individuals INTEGER NOT NULL DEFAULT 0, measured INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0, cache_hits INTEGER NOT NULL DEFAULT 0, front_size INTEGER NOT NULL DEFAULT 0, generation INTEGER NOT NULL DEFAULT -2);
INSERT INTO sweep_counts VALUES(1,4,3,1,0,2,0);
CREATE TABLE context( context_id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, prepared TEXT);
INSERT INTO context VALUES(1,'abcd','{"layers":2}');
CREATE TABLE evaluation( evaluation_id INTEGER PRIMARY KEY, context_id INTEGER NOT NULL REFERENCES context, genome TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'pending' CHECK(state IN ('pending','done','failed')), reason TEXT NOT NULL DEFAULT '', UNIQUE(context_id, genome));
INSERT INTO evaluation VALUES(1,1,'float32','done','');
INSERT INTO evaluation VALUES(2,1,'[8,4]','pending','');
INSERT INTO evaluation VALUES(3,1,'[2,2]','pending','');
INSERT INTO evaluation VALUES(4,1,'[4,4]','done','');
INSERT INTO evaluation VALUES(5,1,'[6,6]','pending','');
CREATE TABLE partial( evaluation_id INTEGER NOT NULL REFERENCES evaluation, shard INTEGER NOT NULL, seen TEXT NOT NULL, correct TEXT NOT NULL, tally BLOB, named_values TEXT NOT NULL DEFAULT '', value_names TEXT NOT NULL DEFAULT '', PRIMARY KEY(evaluation_id, shard)) WITHOUT ROWID;
INSERT INTO partial VALUES(2,0,'[10,20]','[9,8]',NULL,'','');
INSERT INTO partial VALUES(2,1,'[10,20]','[9,8]',NULL,'','');
INSERT INTO partial VALUES(5,0,'[]','[]',NULL,'[0.5,12]','["latency_ms"]');
CREATE TABLE individual( sweep_id INTEGER NOT NULL REFERENCES sweep, generation INTEGER NOT NULL CHECK(generation >= -1), slot INTEGER NOT NULL CHECK(slot >= 0), evaluation_id INTEGER NOT NULL REFERENCES evaluation, state TEXT NOT NULL CHECK(state IN ('pending','done','failed')), reason TEXT NOT NULL, objectives TEXT NOT NULL, violation REAL NOT NULL, in_front INTEGER NOT NULL CHECK(in_front IN (0,1)), cached INTEGER NOT NULL CHECK(cached IN (0,1)), PRIMARY KEY(sweep_id, generation, slot)) WITHOUT ROWID;
INSERT INTO individual VALUES(1,-1,0,1,'done','','[0.10000000000000001,1000000000000]',0.0,0,0);
INSERT INTO individual VALUES(1,0,0,2,'done','','[0.33333333333333331,7]',0.0,1,0);
INSERT INTO individual VALUES(1,0,1,3,'failed','not a number','[]',0.0,0,0);
INSERT INTO individual VALUES(1,0,2,4,'done','','[0.25,6]',0.0,1,0);
INSERT INTO individual VALUES(1,0,3,5,'pending','','[]',0.0,0,0);
CREATE TABLE survivor( sweep_id INTEGER NOT NULL REFERENCES sweep, generation INTEGER NOT NULL, position INTEGER NOT NULL, own_generation INTEGER NOT NULL, slot INTEGER NOT NULL, rank INTEGER NOT NULL, crowding REAL NOT NULL, PRIMARY KEY(sweep_id, generation, position), FOREIGN KEY(sweep_id, own_generation, slot) REFERENCES individual) WITHOUT ROWID;
INSERT INTO survivor VALUES(1,0,0,0,0,0,1e999);
CREATE TABLE result( evaluation_id INTEGER PRIMARY KEY REFERENCES evaluation, seen TEXT NOT NULL, correct TEXT NOT NULL, tally BLOB, named_values TEXT NOT NULL DEFAULT '', value_names TEXT NOT NULL DEFAULT '');
INSERT INTO result VALUES(1,'[10,20]','[9,8]',NULL,'','');
INSERT INTO result VALUES(4,'[20,40]','[18,16]',X'02031412aab4de7528109a01','','');
CREATE TABLE IF NOT EXISTS "sweep"( sweep_id INTEGER PRIMARY KEY, name TEXT NOT NULL, state TEXT NOT NULL CHECK(state IN  ('queued','running','paused','done','failed','cancelled')), reason TEXT NOT NULL, seed INTEGER NOT NULL, content_hash TEXT NOT NULL, context_hash TEXT NOT NULL, source TEXT NOT NULL, file TEXT NOT NULL, base_dir TEXT NOT NULL, canonical TEXT NOT NULL, spec TEXT NOT NULL, submitted_at_ms INTEGER NOT NULL, finished_at_ms INTEGER NOT NULL, priority INTEGER NOT NULL DEFAULT 0);
INSERT INTO sweep VALUES(1,'resnet8','running','',-1,'c0ffee','abcd',replace('name: resnet8\n# "quoted"\n','\n',char(10)),'w.yaml','/data','{"name":"resnet8"}','{}',1700000000123,0,0);
CREATE INDEX individual_in_front ON individual(sweep_id, generation, slot) WHERE in_front = 1;
CREATE TRIGGER baseline_is_noted AFTER INSERT ON individual WHEN NEW.generation < 0 BEGIN UPDATE sweep_counts SET generation = max(generation, NEW.generation)  WHERE sweep_id = NEW.sweep_id;END;
CREATE TRIGGER individual_is_counted AFTER INSERT ON individual WHEN NEW.generation >= 0 BEGIN UPDATE sweep_counts SET  individuals = individuals + 1,  measured = measured + (NEW.state <> 'pending'),  failures = failures + (NEW.state = 'failed'),  cache_hits = cache_hits + NEW.cached,  front_size = front_size + NEW.in_front,  generation = max(generation, NEW.generation)  WHERE sweep_id = NEW.sweep_id;END;
CREATE TRIGGER individual_is_recounted AFTER UPDATE OF state, in_front ON individual WHEN NEW.generation >= 0 AND (NEW.state <> OLD.state OR NEW.in_front <> OLD.in_front) BEGIN UPDATE sweep_counts SET  measured = measured + (NEW.state <> 'pending') - (OLD.state <> 'pending'),  failures = failures + (NEW.state = 'failed') - (OLD.state = 'failed'),  front_size = front_size + NEW.in_front - OLD.in_front  WHERE sweep_id = NEW.sweep_id;END;
CREATE VIEW v_individuals AS SELECT i.sweep_id AS sweep, i.generation, i.slot, e.genome, i.state, i.reason, i.violation, i.in_front, i.cached, i.objectives, json_extract(i.objectives, '$[0]') + 0.0 AS objective_0, json_extract(i.objectives, '$[1]') + 0.0 AS objective_1, json_extract(i.objectives, '$[2]') + 0.0 AS objective_2, json_extract(i.objectives, '$[3]') + 0.0 AS objective_3, json_extract(i.objectives, '$[4]') + 0.0 AS objective_4, json_extract(i.objectives, '$[5]') + 0.0 AS objective_5, json_extract(i.objectives, '$[6]') + 0.0 AS objective_6, json_extract(i.objectives, '$[7]') + 0.0 AS objective_7 FROM individual i JOIN evaluation e ON e.evaluation_id = i.evaluation_id;
CREATE VIEW v_front AS SELECT i.sweep_id AS sweep, i.generation, i.slot, e.genome, i.violation, i.cached, i.objectives, json_extract(i.objectives, '$[0]') + 0.0 AS objective_0, json_extract(i.objectives, '$[1]') + 0.0 AS objective_1, json_extract(i.objectives, '$[2]') + 0.0 AS objective_2, json_extract(i.objectives, '$[3]') + 0.0 AS objective_3, json_extract(i.objectives, '$[4]') + 0.0 AS objective_4, json_extract(i.objectives, '$[5]') + 0.0 AS objective_5, json_extract(i.objectives, '$[6]') + 0.0 AS objective_6, json_extract(i.objectives, '$[7]') + 0.0 AS objective_7 FROM individual i INDEXED BY individual_in_front JOIN evaluation e ON e.evaluation_id = i.evaluation_id WHERE i.in_front = 1 AND i.generation >= 0;
CREATE VIEW v_cells AS SELECT i.sweep_id AS sweep, i.generation, i.slot, seen.key AS cell, seen.value AS seen,  json_extract(r.correct, '$[' || seen.key || ']') AS correct,  1.0 * json_extract(r.correct, '$[' || seen.key || ']') / seen.value AS accuracy FROM individual i JOIN result r ON r.evaluation_id = i.evaluation_id JOIN json_each(r.seen) AS seen UNION ALL SELECT i.sweep_id, i.generation, i.slot, seen.key, sum(seen.value),  sum(json_extract(p.correct, '$[' || seen.key || ']')),  1.0 * sum(json_extract(p.correct, '$[' || seen.key || ']')) / sum(seen.value) FROM individual i JOIN partial p ON p.evaluation_id = i.evaluation_id JOIN json_each(p.seen) AS seen GROUP BY i.sweep_id, i.generation, i.slot, seen.key;
CREATE INDEX sweep_by_content ON sweep(content_hash, sweep_id);
CREATE INDEX sweep_by_priority ON sweep(priority DESC, sweep_id) WHERE state IN ('queued', 'running');
CREATE TRIGGER sweep_gets_counts AFTER INSERT ON sweep BEGIN INSERT INTO sweep_counts(sweep_id) VALUES (NEW.sweep_id);END;
CREATE VIEW v_sweeps AS SELECT s.sweep_id AS sweep, s.name, s.state, s.reason, CASE WHEN s.seed >= 0 THEN s.seed ELSE printf('%u', s.seed) END AS seed, c.generation, c.individuals, c.measured, c.failures, c.cache_hits, c.front_size, s.content_hash, s.context_hash, s.file, s.base_dir, s.canonical, s.submitted_at_ms, nullif(s.finished_at_ms, 0) AS finished_at_ms, s.priority FROM sweep s JOIN sweep_counts c ON c.sweep_id = s.sweep_id;
COMMIT;
