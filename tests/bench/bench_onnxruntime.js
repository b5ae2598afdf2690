#!/usr/bin/env node
// Images per second of a float32 network in ONNX Runtime on one thread, best of several batches.
//
//     NODE_PATH=DIR/node_modules tests/bench/bench_onnxruntime.js MODEL.onnx CHANNELS SIZE [SECONDS]
//
// where DIR is a folder in which `npm install --ignore-scripts onnxruntime-node@1.30.0` has been
// called. Prints "onnxruntime N", then the batch and the version. Time is that of the processor.
'use strict';
const ort = require('onnxruntime-node');

const BATCHES = [1, 4, 8, 16, 32, 64, 128];

function cpuSeconds() {
  const usage = process.cpuUsage();
  return (usage.user + usage.system) / 1e6;
}

async function imagesPerSecond(session, batch, channels, size, seconds) {
  const n = batch * channels * size * size;
  const data = Float32Array.from({ length: n }, () => Math.random() * 4 - 2);
  const feeds = {};
  feeds[session.inputNames[0]] = new ort.Tensor('float32', data, [batch, channels, size, size]);
  for (let i = 0; i < 3; i++) await session.run(feeds);
  const start = cpuSeconds();
  let images = 0;
  while (cpuSeconds() - start < seconds) {
    await session.run(feeds);
    images += batch;
  }
  return images / (cpuSeconds() - start);
}

async function main() {
  const [model, channels, size, seconds] = process.argv.slice(2);
  if (size === undefined) throw new Error('usage: bench_onnxruntime.js MODEL CHANNELS SIZE [SECONDS]');
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  });
  let best = 0, at = 0;
  for (const batch of BATCHES) {
    const rate = await imagesPerSecond(session, batch, Number(channels), Number(size),
                                       Number(seconds || 1));
    if (rate > best) [best, at] = [rate, batch];
  }
  console.log(`onnxruntime ${best.toFixed(1)}`);
  console.log(`batch ${at}, ONNX Runtime ${ort.env.versions.node}`);
}

main().catch((error) => {
  console.error(`bench_onnxruntime.js: ${error.message}`);
  process.exitCode = 1;
});
