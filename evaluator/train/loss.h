/* What a loss is made of, for the steps of a network and for measuring it. Inside of train. */
#ifndef DSE_EVALUATOR_TRAIN_LOSS_H
#define DSE_EVALUATOR_TRAIN_LOSS_H

/* Soft-max of n logits into p (NULL: not wanted), largest being the largest of them; returns ln of
 * the sum of exp(z - largest). */
double train__soft_max(const float *logits, int n, double largest, double *p);
/* Index of the largest; ties: the lowest. */
int train__arg_max(const float *values, int n);

#endif
