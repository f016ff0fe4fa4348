/* Includes the complete interface of plugins. */
#ifndef SCION_H
#define SCION_H

#include <scion/backend.h>
#include <scion/batch.h>
#include <scion/dataset.h>
#include <scion/error.h>
#include <scion/file.h>
#include <scion/loss.h>
#include <scion/losses.h>
#include <scion/model.h>
#include <scion/model_plugin.h>
#include <scion/nn.h>
#include <scion/optimizer.h>
#include <scion/param.h>
#include <scion/plugin.h>
#include <scion/random.h>
#include <scion/simd.h>
#include <scion/strategy.h>
#include <scion/tape.h>
#include <scion/tensor.h>

#endif
