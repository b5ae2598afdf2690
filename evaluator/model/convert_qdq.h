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

#endif
