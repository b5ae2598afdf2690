/* The operators that are read: X(name, fewest inputs, most inputs, attributes, function).
 * Attributes that are not listed are refused: they might change the result. */
#ifndef DSE_EVALUATOR_GRAPH_OPERATORS_H
#define DSE_EVALUATOR_GRAPH_OPERATORS_H

#define GRAPH__WINDOW_ATTRIBUTES "auto_pad dilations kernel_shape pads strides "

#define GRAPH__OPERATORS(X)                                                                      \
    X("Add", 2, 2, "", add)                                                                      \
    X("AveragePool", 1, 1, GRAPH__WINDOW_ATTRIBUTES "ceil_mode count_include_pad", average_pool) \
    X("BatchNormalization", 5, 5, "epsilon momentum training_mode", batch_norm)                  \
    X("Cast", 1, 1, "to saturate", cast)                                                         \
    X("Clip", 1, 3, "min max", clip)                                                             \
    X("Concat", 1, SIZE_MAX, "axis", concat)                                                     \
    X("Constant", 0, 0, "value value_float value_floats value_int value_ints", constant)         \
    X("ConstantOfShape", 1, 1, "value", constant_of_shape)                                       \
    X("Conv", 2, 3, GRAPH__WINDOW_ATTRIBUTES "group", conv)                                      \
    X("ConvTranspose", 2, 3, GRAPH__WINDOW_ATTRIBUTES "group output_padding output_shape",       \
      conv_transpose)                                                                            \
    X("Div", 2, 2, "", div)                                                                      \
    X("Dropout", 1, 3, "ratio seed", dropout)                                                    \
    X("Elu", 1, 1, "alpha", elu)                                                                 \
    X("Flatten", 1, 1, "axis", flatten)                                                          \
    X("Gather", 2, 2, "axis", gather)                                                            \
    X("Gemm", 2, 3, "alpha beta transA transB", gemm)                                            \
    X("GlobalAveragePool", 1, 1, "", global_average_pool)                                        \
    X("HardSigmoid", 1, 1, "alpha beta", hard_sigmoid)                                           \
    X("HardSwish", 1, 1, "", hard_swish)                                                         \
    X("Identity", 1, 1, "", identity)                                                            \
    X("LeakyRelu", 1, 1, "alpha", leaky_relu)                                                    \
    X("MatMul", 2, 2, "", matmul)                                                                \
    X("MaxPool", 1, 1, GRAPH__WINDOW_ATTRIBUTES "ceil_mode storage_order", max_pool)             \
    X("Mul", 2, 2, "", mul)                                                                      \
    X("PRelu", 2, 2, "", prelu)                                                                  \
    X("Pad", 1, 4, "mode pads value", pad)                                                       \
    X("ReduceMean", 1, 2, "axes keepdims noop_with_empty_axes", reduce_mean)                     \
    X("Relu", 1, 1, "", relu)                                                                    \
    X("Reshape", 2, 2, "allowzero", reshape)                                                     \
    X("Resize", 1, 4,                                                                            \
      "coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value mode "   \
      "nearest_mode",                                                                            \
      resize)                                                                                    \
    X("Shape", 1, 1, "start end", shape)                                                         \
    X("Sigmoid", 1, 1, "", sigmoid)                                                              \
    X("Slice", 1, 5, "axes ends starts", slice)                                                  \
    X("Softmax", 1, 1, "axis", softmax)                                                          \
    X("Split", 1, 2, "axis num_outputs split", split)                                            \
    X("Squeeze", 1, 2, "axes", squeeze)                                                          \
    X("Sub", 2, 2, "", sub)                                                                      \
    X("Tanh", 1, 1, "", tanh)                                                                    \
    X("Transpose", 1, 1, "perm", transpose)                                                      \
    X("Unsqueeze", 1, 2, "axes", unsqueeze)                                                      \
    X("Upsample", 2, 2, "mode", upsample)                                                        \
    X("Where", 3, 3, "", where)

#endif
