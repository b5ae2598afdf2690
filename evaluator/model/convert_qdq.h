/* A quantised network as ONNX in QDQ form. Inside of model. */
#ifndef DSE_EVALUATOR_MODEL_CONVERT_QDQ_H
#define DSE_EVALUATOR_MODEL_CONVERT_QDQ_H

#include "evaluator/model/model.h"
#include "evaluator/quantize/quantize.h"

/* Bits by layer of the graph: 2 to 8, or 0 for float32. */
struct model__widths {
    const int *input_bits, *weight_bits;
    const double *amax; /* largest inputs; not read where input_bits is 0 */
    enum dse_weight_scales share;
};
/* Quantises the layers of the model that the graph was read from: their inputs go through
 * QuantizeLinear and DequantizeLinear with the scale of the engine, their weights become int8
 * constants behind a DequantizeLinear. Fewer than 8 bits use a part of int8: values are clipped
 * before. A batch norm behind a convolution is folded into it first, as the engine does. Biases
 * stay float32. UNSUPPORTED before operator set 13, or where a layer's weights are computed. */
DSE_MUST_USE enum dse_status model__quantize_onnx(struct dse_onnx *onnx,
                                                  const struct dse_graph *graph,
                                                  const struct model__widths *widths,
                                                  struct dse_err *err);

/* A layer that convert has quantised. */
struct model__width {
    const char *layer;           /* its label; borrowed from the model */
    int input_bits, weight_bits; /* 2 to 8, or 0: float32 */
    double amax;                 /* largest input, where input_bits is not 0 */
};
/* The other way: layers of a converted model read what they read before, and have float32 constants
 * that are whole multiples of the scales, so that the engine makes the same integers of them.
 * widths, in the arena: the layers that were quantised; none in other models. UNSUPPORTED: what
 * QuantizeLinear and DequantizeLinear of others do. */
DSE_MUST_USE enum dse_status model__dequantize_onnx(struct dse_onnx *onnx, struct dse_arena *arena,
                                                    struct model__width **widths, int *n,
                                                    struct dse_err *err);

#endif
