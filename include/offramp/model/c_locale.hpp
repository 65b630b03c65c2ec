// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <locale.h>
#include <new>

#if defined(__APPLE__)
#include <xlocale.h>
#endif

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// While this lives, C functions that the calling thread calls (no other thread) follow the "C" locale, whatever
/// setlocale chose: nlohmann's parser turns digits into numbers with strtod.
class c_locale {
 public:
  c_locale() : locale_(::newlocale(LC_ALL_MASK, "C", nullptr)) {
    if (locale_ == nullptr) {
      throw std::bad_alloc();
    }
    before_ = ::uselocale(locale_);
  }
  c_locale(const c_locale&) = delete;
  c_locale& operator=(const c_locale&) = delete;
  ~c_locale() {
    ::uselocale(before_);
    ::freelocale(locale_);
  }

 private:
  ::locale_t locale_;
  ::locale_t before_ = nullptr;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
