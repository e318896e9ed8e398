// The order in which a loop's work runs.
//
// Products and ordinary operations stand on levels, each above those that it reads from.
// Element-wise work goes between the levels, as late as it can, so that it gathers in few programs:
// what is used in one program alone never leaves the cache.
#pragma once

#include <span>

#include "rewind/autograd/engine/compile/in_place.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// One piece of element-wise work: an operation, or a copy into a join.
struct Piece {
  int node;  // or -1
  int copy;  // in InPlace::copies(), or -1
  Index columns;
  Dtype dtype;
};

// Pieces of one width that run one after the other, after the heavy work of a level.
struct Gathered {
  int level;
  std::vector<Piece> pieces;
};

class Schedule {
 public:
  Schedule(const LoopBody& body, const Forms& forms, const InPlace& in_place);

  int levels() const { return last_level_ + 1; }
  // Of heavy work. That of one level runs in the order of nodes, before the programs of the level.
  int level(int n) const { return level_[at(n)]; }
  const std::vector<Gathered>& programs() const { return programs_; }
  int program_of(int n) const { return program_of_[at(n)]; }  // -1: in none

 private:
  using Waiting = std::set<int>;  // what the pieces that have not run will make

  int level_of(int n);
  int level_after(ValueId term, int product);
  int level_after_product(ValueId earlier, int product);
  void choose_groups();
  void bring_results_forward();

  std::vector<Piece> pieces_of(int level) const;
  void gather(int level, std::vector<Piece>& pending, Waiting& waiting);
  int made_by(const Piece& piece) const;
  std::span<const ValueId> read_by(const Piece& piece) const;
  bool ready(const Piece& piece, const Waiting& waiting) const;
  bool reads_a_part(const Piece& piece, const Waiting& made) const;
  bool rests_on(ValueId value, const Waiting& waiting) const;

  const LoopBody& body_;
  const Forms& forms_;
  const InPlace& in_place_;
  std::vector<int> level_;  // by node; of light work the least at which it could run
  std::vector<int> group_;  // by node: the level after whose heavy work it runs
  int last_level_ = 0;
  std::vector<Gathered> programs_;
  std::vector<int> program_of_;
};

}  // namespace engine
}  // namespace rw
