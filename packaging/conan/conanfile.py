# SPDX-License-Identifier: Apache-2.0
"""Conan 2 recipe: `conan create packaging/conan`, from any folder; builds the source tree that it lies in."""

import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load


class OfframpRecipe(ConanFile):
    name = "offramp"
    description = "Early-exit BERT text classification"
    license = "Apache-2.0"
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False]}  # position-independent in any case
    default_options = {"shared": False}

    @property
    def _tree(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        header = load(self, os.path.join(self._tree, "include", "offramp", "version.hpp"))
        self.version = ".".join(re.findall(r"#define OFFRAMP_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header))

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "NOTICE", "cmake/*", "include/*", "src/*"):
            copy(self, pattern, self._tree, self.export_sources_folder)

    def validate(self):
        if self.settings.os == "Windows":
            raise ConanInvalidConfiguration("offramp supports GCC and Clang on Linux; Windows is not supported")
        check_min_cppstd(self, 20)

    def requirements(self):
        # In no public header of the compiled target, which is the one that a package names; the headers alone include the first two.
        self.requires("eigen/3.4.0", transitive_headers=True)
        self.requires("nlohmann_json/3.11.3", transitive_headers=True)
        self.requires("highway/1.2.0")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        for option in ("BUILD_TESTS", "BUILD_TOOLS", "BUILD_EXAMPLES", "SENTENCEPIECE"):
            toolchain.cache_variables[f"OFFRAMP_{option}"] = False
        toolchain.generate()
        dependencies = CMakeDeps(self)
        dependencies.set_property("highway", "cmake_file_name", "hwy")
        dependencies.set_property("highway", "cmake_target_name", "highway::highway_root")
        dependencies.set_property("highway::hwy", "cmake_target_name", "hwy::hwy")
        dependencies.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        for name in ("LICENSE", "NOTICE"):
            copy(self, name, self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()

    def package_info(self):
        self.cpp_info.libs = ["offramp"]
        self.cpp_info.set_property("cmake_file_name", "offramp")
        self.cpp_info.set_property("cmake_target_name", "offramp::offramp")
        self.cpp_info.set_property("pkg_config_name", "offramp")
