// node exported.js PARETO_MODEL PARETO ENGINE MODEL FASHION DIR: members of the front of a small joint
// sweep, exported as ONNX and run by ONNX Runtime over all test images: every exit predicts what the
// engine predicts, and with the thresholds in the .json as many images are right as the sweep counted.
const fs = require('fs');
const path = require('path');
const ort = require('onnxruntime-node');
const zlib = require('zlib');
const { execFileSync, spawn } = require('child_process');

const [model_program, pareto, engine, model, fashion, dir] = process.argv.slice(2);
const N = 10000, SIDE = 28, MEAN = 0.2860, STD = 0.3530, CLASSES = 10;
const EXITS = ['exit0', 'exit1', 'logits'], MEMBERS = 2;
// Ties that fall the other way move a value by one step; bits here go down to 3.
const LARGEST_SHARE = 8 / 1000, LARGEST_ACCURACY_DIFFERENCE = 2 / 1000;
const files = ['images-idx3', 'labels-idx1'].map(kind => `${fashion}/t10k-${kind}-ubyte.gz`);

if (![model, ...files].every(file => fs.existsSync(file))) {
    console.log(`skipped: no ${model} or ${files}`);
    process.exit(77);
}
const [pixels, labels] = files.map(file => zlib.gunzipSync(fs.readFileSync(file)));
const LABELS_AT = 8, PIXELS_AT = 16; // heads of the IDX files

const workload = `
name: exported
model: {file: ${model}, exits: [exit0, exit1], output: logits}
dataset: {format: idx, files: [${files}], mean: [${MEAN}], std: [${STD}], images: ${N}}
corruptions: {names: [], severities: [1]}
problem: {type: joint, bits_min: 3, bits_max: 8, dropout_max: 0, passes_max: 1,
          objectives: [accuracy(clean), bit_operations]}
exploration: {population: 6, generations: 1}
`;

async function run_exits(file) {
    const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1 });
    const size = SIDE * SIDE, batch = 100, found = EXITS.map(() => []);
    for (let first = 0; first < N; first += batch) {
        const part = Float32Array.from({ length: batch * size },
            (_, i) => (pixels[PIXELS_AT + first * size + i] / 255 - MEAN) / STD);
        const results = await session.run({
            [session.inputNames[0]]: new ort.Tensor('float32', part, [batch, 1, SIDE, SIDE]) });
        EXITS.forEach((name, exit) => {
            for (let i = 0; i < batch; i++)
                found[exit].push(results[name].data.slice(i * CLASSES, (i + 1) * CLASSES));
        });
    }
    return found;
}

const arg_max = values => values.indexOf(Math.max(...values));

function entropy(logits) {
    const top = Math.max(...logits), e = Array.from(logits, x => Math.exp(x - top));
    const sum = e.reduce((a, b) => a + b);
    return e.reduce((all, x) => all - (x > 0 ? x / sum * Math.log(x / sum) : 0), 0);
}

// Images that are right where they leave; without thresholds everybody takes the last exit.
function correct(exits, thresholds) {
    let right = 0;
    for (let i = 0; i < N; i++) {
        let exit = thresholds.length > 0 ? 0 : EXITS.length - 1;
        while (exit < thresholds.length && !(entropy(exits[exit][i]) < thresholds[exit])) exit++;
        right += arg_max(exits[exit][i]) === labels[LABELS_AT + i];
    }
    return right;
}

// The engine's predictions at one exit: its layers are those that this exit needs.
function engine_at(recipe, exit) {
    const { individual } = recipe;
    const kept = individual.layers.map((layer, i) => ({ layer, i }));
    const names = execFileSync(model_program, ['calibrate', model, `${dir}/names`, '--output', exit,
        '--data', `idx:${files}`, '--images', '1']) && fs.readFileSync(`${dir}/names`, 'utf8');
    const lines = names.trim().split('\n'), head = lines.slice(0, 5);
    const used = lines.slice(5).map(line => kept.find(k => k.layer.name === line.replace(/^\S+ /, '')));
    fs.writeFileSync(`${dir}/calibration`, [...head,
        ...used.map(k => `${k.layer.input_amax} ${k.layer.name}`), ''].join('\n'));
    const bits = side => used.map(k => individual[side][k.i]).join();
    return execFileSync(engine, [model, exit, `${dir}/calibration`, 'idx', `${files}`, `${MEAN}`,
        `${STD}`, `${N}`, bits('input_bits'), bits('weight_bits')], { maxBuffer: 1 << 24 });
}

async function check(id, state) {
    const file = `${dir}/out/${id}.onnx`;
    execFileSync(pareto, ['export', '--state', state, '--onnx', id, '--output', file]);
    const recipe = JSON.parse(fs.readFileSync(`${dir}/out/${id}.json`));
    const exits = await run_exits(file);
    let ok = true;
    EXITS.forEach((name, exit) => {
        const ours = engine_at(recipe, name);
        const differ = exits[exit].filter((logits, i) => arg_max(logits) !== ours[i]).length;
        console.log(`${id} ${name}: ${differ} of ${N} differ`);
        ok = ok && ours.length === N && differ <= N * LARGEST_SHARE;
    });
    const clean = recipe.individual.cells.find(cell => cell.cell === 'clean');
    const right = correct(exits, recipe.individual.thresholds ?? []);
    console.log(`${id}: ${right} right in ONNX Runtime, ${clean.correct} of ${clean.seen} in the sweep`);
    return ok && clean.seen === N &&
        Math.abs(right - clean.correct) <= N * LARGEST_ACCURACY_DIFFERENCE;
}

async function main() {
    const state = `${dir}/state`, text = `${dir}/w.yaml`;
    fs.mkdirSync(`${dir}/out`);
    fs.writeFileSync(text, workload);
    execFileSync(pareto, ['run', '--state', state, text], { stdio: 'ignore' });
    const daemon = spawn(path.join(path.dirname(pareto), 'paretod'), ['--state', state],
        { stdio: 'ignore' });
    try {
        let members = null;
        while (members === null && daemon.exitCode === null)
            try {
                const front = execFileSync(pareto, ['front', '--state', state, '--json'],
                    { stdio: ['ignore', 'pipe', 'ignore'] });
                members = JSON.parse(front).members;
            } catch { /* it is still starting */ }
        const ids = members.slice(0, MEMBERS).map(one => `${one.generation}.${one.slot}`);
        let ok = ids.length > 0;
        for (const id of [...ids, 'baseline']) ok = await check(id, state) && ok;
        if (!ok) throw new Error('what is exported is not what was measured');
    } finally {
        daemon.kill();
    }
}
main().catch(error => { console.error(error.message); process.exit(1); });
