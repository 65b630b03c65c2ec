// SPDX-License-Identifier: Apache-2.0
// Element-wise functions.
#if defined(OFFRAMP_KERNELS_ACTIVATION_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef OFFRAMP_KERNELS_ACTIVATION_INL
#undef OFFRAMP_KERNELS_ACTIVATION_INL
#else
#define OFFRAMP_KERNELS_ACTIVATION_INL
#endif

#include "products-inl.hpp"

#include <hwy/contrib/math/math-inl.h>

#include "begin_target-inl.hpp"
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE {

/// exp(x) for x up to 0, within 8e-8 + 2e-8 |x| of itself with fused multiply-add; 0 below -87.3, where float32 has no
/// normal numbers left; NaN may become any number. As 2^n p(f), with n + f = x / ln 2 and |f| up to 1/2; p fitted at
/// Chebyshev nodes.
HWY_INLINE vector<float> exp_of_negative(vector<float> x) {
  const tag<float> d;
  const auto c = [d](float value) { return hn::Set(d, value); };
  const auto n = hn::Round(x * c(1.44269504F));
  const auto f = hn::MulSub(x, c(1.44269504F), n);
  auto p = hn::MulAdd(c(0.000153458110F), f, c(0.00133999309F));
  p = hn::MulAdd(p, f, c(0.00961848907F));
  p = hn::MulAdd(p, f, c(0.0555032864F));
  p = hn::MulAdd(p, f, c(0.240226462F));
  p = hn::MulAdd(p, f, c(0.693147182F));
  p = hn::MulAdd(p, f, c(1.0F));
  const tag<std::int32_t> di;
  const auto exponent = hn::ShiftLeft<23>(hn::ConvertTo(di, n));
  const auto power = hn::BitCast(d, hn::BitCast(di, p) + exponent);
  return hn::IfThenElse(x < c(-87.3F), hn::Zero(d), power);
}

/// erf(x / sqrt 2) as x * p(x^2 / 12.5 - 1) up to |x| = 5, +-1 beyond; p fitted at Chebyshev nodes. Within 6e-7, which
/// leaves gelu within 1.5e-6.
HWY_INLINE vector<float> erf_of_scaled(vector<float> x) {
  const tag<float> d;
  const auto c = [d](float value) { return hn::Set(d, value); };
  const auto inside = hn::Clamp(x, c(-5.0F), c(5.0F));
  const auto t = hn::MulSub(inside * inside, c(0.08F), c(1.0F));
  auto p = hn::MulAdd(c(0.00122069393F), t, c(-0.00322203827F));
  p = hn::MulAdd(p, t, c(0.00344615267F));
  p = hn::MulAdd(p, t, c(-0.00538665568F));
  p = hn::MulAdd(p, t, c(0.012810776F));
  p = hn::MulAdd(p, t, c(-0.0223108847F));
  p = hn::MulAdd(p, t, c(0.0328136533F));
  p = hn::MulAdd(p, t, c(-0.0465457141F));
  p = hn::MulAdd(p, t, c(0.0628814623F));
  p = hn::MulAdd(p, t, c(-0.0808836669F));
  p = hn::MulAdd(p, t, c(0.103041328F));
  p = hn::MulAdd(p, t, c(-0.140592635F));
  p = hn::MulAdd(p, t, c(0.282727569F));
  return hn::Clamp(p * inside, c(-1.0F), c(1.0F));
}

HWY_INLINE vector<float> gelu(vector<float> x) {
  const auto half = x * hn::Set(tag<float>(), 0.5F);
  return hn::MulAdd(half, erf_of_scaled(x), half);
}

HWY_INLINE vector<float> gelu_tanh(vector<float> x) {
  const tag<float> d;
  const auto cubic = hn::MulAdd(x * x * x, hn::Set(d, 0.044715F), x);
  const auto half = x * hn::Set(d, 0.5F);
  return hn::MulAdd(half, hn::Tanh(d, cubic * hn::Set(d, 0.79788456F)), half);
}

HWY_INLINE vector<float> relu(vector<float> x) {
  const auto zero = hn::Zero(tag<float>());
  return hn::IfThenElse(x < zero, zero, x);
}

/// Calls body(f) with the function that the epilogue applies to each vector of sums.
template <class Body>
HWY_INLINE void with_activation(epilogue kind, const Body& body) {
  switch (kind) {
    case epilogue::gelu:
      return body([](auto x) OFFRAMP_ATTR { return gelu(x); });
    case epilogue::gelu_tanh:
      return body([](auto x) OFFRAMP_ATTR { return gelu_tanh(x); });
    case epilogue::relu:
      return body([](auto x) OFFRAMP_ATTR { return relu(x); });
    case epilogue::tanh:
      return body([](auto x) OFFRAMP_ATTR { return hn::Tanh(tag<float>(), x); });
    case epilogue::store:
    case epilogue::add:
      return body([](auto x) OFFRAMP_ATTR { return x; });
  }
}

inline bool activates(epilogue kind) { return kind != epilogue::store && kind != epilogue::add; }

/// Replaces the first `width` numbers, whole vectors, of each of `height` rows by the epilogue's function of them.
inline void activate(epilogue kind, float* rows, std::size_t height, std::size_t width, std::size_t stride) {
  const tag<float> d;
  with_activation(kind, [&](auto function) {
    for (std::size_t row = 0; row < height; ++row, rows += stride) {
      for (std::size_t i = 0; i < width; i += lanes()) {
        hn::StoreU(function(hn::LoadU(d, rows + i)), d, rows + i);
      }
    }
  });
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
