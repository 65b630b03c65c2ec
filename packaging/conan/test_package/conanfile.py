# SPDX-License-Identifier: Apache-2.0
"""Consumes the package as a project of its own would; `conan create` runs it."""

import os

from conan import ConanFile
from conan.tools.build import can_run
from conan.tools.cmake import CMake, cmake_layout


class OfframpTest(ConanFile):
    settings = "os", "arch", "compiler", "build_type"
    generators = "CMakeDeps", "CMakeToolchain"

    def requirements(self):
        self.requires(self.tested_reference_str)

    def layout(self):
        cmake_layout(self)

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def test(self):
        if can_run(self):
            tiny = os.path.join(self.source_folder, "..", "..", "..", "tests", "data", "models", "tiny")
            consumer = os.path.join(self.cpp.build.bindir, "consumer")
            self.run(f'"{consumer}" "{tiny}" "A good film."', env="conanrun")
