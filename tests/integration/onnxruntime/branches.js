// node branches.js PARETO_MODEL MODEL DIR: branches of MODEL in ONNX Runtime with its optimisations.
// With rate 0 every branch is the network itself; with another, all runs of all branches differ.
const ort = require('onnxruntime-node');
const { execFileSync } = require('child_process');

const [program, model, dir] = process.argv.slice(2);
const tool = (...words) => execFileSync(program, words);

async function outputs(file, runs) {
    const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1 });
    const image = Float32Array.from({ length: 28 * 28 }, (_, i) => Math.sin(i * i));
    const input = { [session.inputNames[0]]: new ort.Tensor('float32', image, [1, 1, 28, 28]) };
    const found = [];
    for (let run = 0; run < runs; run++) {
        const results = await session.run(input);
        for (const name of session.outputNames)
            if (name.startsWith('logits')) found.push(Array.from(results[name].data));
    }
    return found;
}

const distance = (a, b) => Math.max(...a.map((x, i) => Math.abs(x - b[i])));

async function main() {
    const [expected] = await outputs(model, 1);
    for (const rate of ['0', '0.2']) {
        tool('mcdo', model, `${dir}/mcdo.onnx`, '--starting-layer', 'partial', '--droprate', rate);
        tool('branch', `${dir}/mcdo.onnx`, `${dir}/branch.onnx`, '--n-branches', '3');
        const found = await outputs(`${dir}/branch.onnx`, 2);
        if (found.length !== 6) throw new Error(`${found.length} results instead of 6`);
        const largest = Math.max(...found.map(x => distance(x, expected)));
        if (rate === '0' && !(largest < 1e-4)) throw new Error(`rate 0 differs by ${largest}`);
        for (let i = 0; rate !== '0' && i < found.length; i++)
            for (let k = 0; k < i; k++)
                if (distance(found[i], found[k]) < 1e-3) throw new Error(`${k} and ${i} are equal`);
    }
}
main().catch(error => { console.error(error.message); process.exit(1); });
