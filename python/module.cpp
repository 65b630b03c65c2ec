// SPDX-License-Identifier: Apache-2.0
// The native half of the Python package: offramp/__init__.py holds what is easier said in Python.
#include "module.hpp"

#include <nanobind/stl/string.h>

#include <string>

namespace offramp_python {

namespace {

/// An offramp::error becomes offramp.Error, of the subclass that is ValueError too where a value of the caller is
/// wrong.
void raise(const std::exception_ptr& failure, void*) {
  try {
    std::rethrow_exception(failure);
  } catch (const offramp::error& problem) {
    const nb::module_ errors = nb::module_::import_("offramp.errors");
    const bool is_value = problem.kind() == offramp::error_kind::invalid_argument;
    const nb::object type = errors.attr(is_value ? "InvalidArgument" : "Error");
    const nb::object raised = type(problem.what(), std::string(name_of(problem.kind())));
    PyErr_SetObject(type.ptr(), raised.ptr());
  }
}

}  // namespace

}  // namespace offramp_python

NB_MODULE(_native, module) {
  nanobind::set_leak_warnings(false);  // a program may end with a model in its hands
  nanobind::register_exception_translator(&offramp_python::raise);
  module.attr("version") = std::string(offramp::version());
  offramp_python::bind_policy(module);
  offramp_python::bind_classifier(module);
  offramp_python::bind_study_results(module);
  offramp_python::bind_study(module);
}
