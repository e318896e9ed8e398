// Every pass is a choice: without it, and without all of them, a scan computes the same.
#include <gtest/gtest.h>

#include "autograd/engine/cell_cases.h"
#include "rewind/autograd/engine/plans.h"

namespace rw::test {
namespace {

using engine::PlanningWith;
using engine::PlanOptions;

struct Switch {
  const char* name;
  PlanOptions options;
};

void PrintTo(const Switch& s, std::ostream* out) { *out << s.name; }

PlanOptions without(auto turn_off) {
  PlanOptions options;
  turn_off(options);
  return options;
}

PlanOptions all_of_them() {
  return {.passes = {false, false, false, false, false, false, false, false, false},
          .program = {.fates = {false, false},
                      .pack = false,
                      .fuse = false,
                      .alias = false,
                      .by_table = false},
          .keep = engine::Keep::everything,
          .hold = false};
}

std::vector<Switch> switches() {
  return {
      {"all", all_of_them()},
      {"cut", without([](auto& o) { o.keep = engine::Keep::everything; })},
      {"simplify", without([](auto& o) { o.passes.simplify = false; })},
      {"plain", without([](auto& o) { o.passes.plain = false; })},
      {"split", without([](auto& o) { o.passes.split = false; })},
      {"join", without([](auto& o) { o.passes.join = false; })},
      {"regroup", without([](auto& o) { o.passes.regroup = false; })},
      {"rows_first", without([](auto& o) { o.passes.rows_first = false; })},
      {"join_sums", without([](auto& o) { o.passes.join_sums = false; })},
      {"number", without([](auto& o) { o.passes.number = false; })},
      {"lower", without([](auto& o) { o.passes.lower = false; })},
      {"hoist", without([](auto& o) { o.program.fates.hoist = false; })},
      {"sink", without([](auto& o) { o.program.fates.sink = false; })},
      {"pack", without([](auto& o) { o.program.pack = false; })},
      {"fuse", without([](auto& o) { o.program.fuse = false; })},
      {"alias", without([](auto& o) { o.program.alias = false; })},
      {"by_table", without([](auto& o) { o.program.by_table = false; })},
      {"hold", without([](auto& o) { o.hold = false; })},
      {"stretches_of_one", without([](auto& o) { o.program.steps_at_a_time = 1; })},
      {"stretches_of_two", without([](auto& o) { o.program.steps_at_a_time = 2; })},
      {"share_columns", without([](auto& o) { o.program.share_columns = true; })},
  };
}

class Passes : public testing::TestWithParam<Switch> {};

TEST_P(Passes, ChangeNothingOfWhatIsComputed) {
  const PlanningWith scope(GetParam().options);
  for (const NamedCase& cell : all_cells()) {
    for (const ScanCase& way : every_way(cell)) expect_the_plain_loop(way, cell.name);
  }
}

INSTANTIATE_TEST_SUITE_P(Without, Passes, testing::ValuesIn(switches()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace rw::test
