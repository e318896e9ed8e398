// What a program like small_model.cpp includes of the standard library and of fmt, without Rewind:
// the measure of how fast this machine compiles.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

int main() { fmt::print("{}\n", std::string("no model")); }
