// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <kernels/choice.hpp>

namespace amx_test {

/// The kernels without tiles that share AMX's layouts: in bfloat16 those of pairs, where this CPU has any.
inline offramp::nn::kernels kernels_by_vectors(offramp::numeric_format format) {
  offramp::nn::cpu_extras extras = offramp::nn::find_cpu_extras();
  extras.fast_bfloat16_products = extras.bfloat16_products;
  return offramp::nn::choose_kernels({.format = format}, extras);
}

}  // namespace amx_test
