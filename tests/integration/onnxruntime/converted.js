// node converted.js PARETO_MODEL ENGINE SET N DIR: networks converted to QDQ form predict in ONNX
// Runtime what the engine predicts, but for a few of 1,000 whose values lie on a rounding tie.
const fs = require('fs');
const ort = require('onnxruntime-node');
const zlib = require('zlib');
const { execFileSync } = require('child_process');

const [program, engine, set, count, dir] = process.argv.slice(2);
// A tie that falls the other way moves a value by one step, and the more the fewer bits it has: mixes
// here go down to 3 bits, of 7 levels.
const N = Number(count), LARGEST_SHARE = 2 / 1000, LARGEST_SHARE_MIXED = 8 / 1000;
const [model, output, format, files, mean, std] = set.split('|');
const paths = files.split(',');

if (![model, ...paths].every(path => fs.existsSync(path))) {
    console.log(`skipped: no ${model} or ${files}`);
    process.exit(77);
}

const unpacked = path => {
    const bytes = fs.readFileSync(path);
    return bytes[0] === 0x1f && bytes[1] === 0x8b ? zlib.gunzipSync(bytes) : bytes;
};

// All images in ONNX's order, channel by channel.
function images() {
    const bytes = unpacked(paths[0]), [c, side] = format === 'idx' ? [1, 28] : [3, 32];
    const plane = side * side, size = c * plane, values = new Float32Array(N * size);
    const [head, gap] = format === 'idx' ? [16, 0] : [1, 1];
    const means = mean.split(',').map(Number), stds = std.split(',').map(Number);
    for (let i = 0; i < N; i++)
        for (let at = 0; at < size; at++) {
            const k = Math.floor(at / plane);
            values[i * size + at] = (bytes[head + i * (size + gap) + at] / 255 - means[k]) / stds[k];
        }
    return { values, c, side };
}

async function predict(file, { values, c, side }) {
    const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1 });
    const size = c * side * side, batch = 100, found = [];
    for (let first = 0; first < N; first += batch) {
        const n = Math.min(batch, N - first);
        const part = values.subarray(first * size, (first + n) * size);
        const input = { [session.inputNames[0]]: new ort.Tensor('float32', part, [n, c, side, side]) };
        const logits = (await session.run(input, [output]))[output].data;
        const classes = logits.length / n;
        for (let i = 0; i < n; i++) {
            let best = 0;
            for (let k = 1; k < classes; k++)
                if (logits[i * classes + k] > logits[i * classes + best]) best = k;
            found.push(best);
        }
    }
    return found;
}

async function main() {
    const data = `${format}:${files}`, kept = `${dir}/calibration`, out = `${dir}/out.onnx`;
    execFileSync(program, ['calibrate', model, kept, '--output', output, '--data', data,
        '--mean', mean, '--std', std]);
    const layers = fs.readFileSync(kept, 'utf8').trim().split('\n').length - 5;
    const mix = shift => Array.from({ length: layers }, (_, i) => 3 + (i * 5 + shift) % 6).join();
    const all = images();
    let failed = false;
    const some = [['8', '8'], ['4', '4'], [mix(0), mix(1)], [mix(2), mix(5)]];
    const more = N > 1000 ? [] : [['6', '6'], ['8', '4'], ['3', '8'], ['0', '0']];
    for (const [inputs, weights] of [...some, ...more]) {
        execFileSync(program, ['convert', model, out, '--output', output, '--calibration', kept,
            '--input-bits', inputs, '--weight-bits', weights]);
        const ours = execFileSync(engine, [model, output, kept, format, files, mean, std, count,
            inputs, weights], { maxBuffer: 1 << 24 });
        const theirs = await predict(out, all);
        const differ = theirs.filter((label, i) => label !== ours[i]).length;
        console.log(`inputs ${inputs} weights ${weights}: ${differ} of ${N} differ`);
        const share = inputs.includes(',') ? LARGEST_SHARE_MIXED : LARGEST_SHARE;
        failed = failed || ours.length !== N || differ > N * share;
    }
    if (failed) throw new Error('too many predictions differ');
}
main().catch(error => { console.error(error.message); process.exit(1); });
