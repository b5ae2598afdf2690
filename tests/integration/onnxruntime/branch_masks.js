// node branch_masks.js PARETO_MODEL ENGINE_PASSES MODEL DIR: branches of MODEL with the masks of some images, in
// ONNX Runtime, beside the passes of the engine with these masks.
const ort = require('onnxruntime-node');
const { execFileSync } = require('child_process');
const { writeFileSync } = require('fs');

const [program, engine, model, dir] = process.argv.slice(2);
const PASSES = 5, SEED = 7, TOLERANCE = 1e-4;
const image = Float32Array.from({ length: 28 * 28 }, (_, i) => Math.sin(i * i));

async function compare(start, number) {
    const file = `${dir}/masked.onnx`;
    execFileSync(program, ['mcdo', model, `${dir}/mcdo.onnx`, '--starting-layer', start]);
    execFileSync(program, ['branch', `${dir}/mcdo.onnx`, file, '--n-branches', PASSES, '--masks', `${SEED}:${number}`]);
    const bytes = execFileSync(engine, [`${dir}/mcdo.onnx`, `${dir}/image.f32`, SEED, number, PASSES]);
    const expected = new Float32Array(new Uint8Array(bytes).buffer);
    const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1 });
    const found = await session.run({ [session.inputNames[0]]: new ort.Tensor('float32', image, [1, 1, 28, 28]) });
    const outputs = ['exit0', 'exit1', 'logits'];
    let largest = 0, apart = 0;
    for (let pass = 0; pass < PASSES; pass++)
        outputs.forEach((name, o) => {
            const logits = (found[`${name}_branch_${pass}`] || found[name]).data;
            const at = (pass * outputs.length + o) * logits.length;
            logits.forEach((x, k) => {
                largest = Math.max(largest, Math.abs(x - expected[at + k]) / Math.max(1, Math.abs(x)));
                if (o === 2 && pass > 0) apart = Math.max(apart, Math.abs(x - expected[o * logits.length + k]));
            });
        });
    console.log(`${start}, image ${number}: largest difference ${largest.toExponential(1)}, between passes ${apart}`);
    if (!(largest < TOLERANCE)) throw new Error(`${start}: differs by ${largest}`);
    if (!(apart > 100 * TOLERANCE)) throw new Error(`${start}: passes are alike`);
}

async function main() {
    writeFileSync(`${dir}/image.f32`, Buffer.from(image.buffer));
    for (const start of ['last-layer', 'partial', 'full'])
        for (const number of [0, 4711]) await compare(start, number);
}
main().catch(error => { console.error(error.message); process.exit(1); });
