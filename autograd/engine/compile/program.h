// What runs at every step of a loop: products with packed matrices, element-wise programs, and
// operations by their ordinary kernels, on numbers whose place in memory is settled beforehand.
#pragma once

#include <map>
#include <optional>
#include <variant>

#include "rewind/autograd/engine/compile/column_split.h"
#include "rewind/autograd/engine/compile/fates.h"
#include "rewind/autograd/engine/compile/recipe.h"
#include "rewind/tensor/kernels/element_program.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// Numbers that lie together: `width` for each row of the batch, or as many in all where there are
// no rows.
struct Buffer {
  enum Kind : char {
    input,     // of the loop, another part at every step
    before,    // made before the loop for all steps of a stretch
    constant,  // the same at every step: an invariant, or made from nothing
    state,     // what the step before gave
    stack,     // remembered for every step
    local,     // of one step
    made,      // by an ordinary kernel, at every step anew
  } kind;
  ValueId value;  // that it holds; of memory that several share, the one it was made for
  Dtype dtype;
  Index width;
  bool rows;
};

// Where a value lies: a matrix in a buffer, [rows, columns of the value].
struct Place {
  int buffer;
  Index column = 0;
  friend bool operator==(const Place&, const Place&) = default;
};

// A matrix for a kernel. One number may stand for all rows, or for all columns.
struct Operand {
  Place place;
  bool by_row = true, by_column = true;
  friend bool operator==(const Operand&, const Operand&) = default;
};

struct ProductInstruction {  // c = a w, or c += a w
  ValueId value;
  Operand a, c;
  int packed;  // in Program::packed
  Index k, n;
  bool add;
};

struct ElementInstruction {
  kernels::ElementProgram program;
  std::vector<Operand> operands;
  Index columns;
  Dtype dtype;
  // For reports: what it makes, in order, and what it copies into values put side by side.
  std::vector<ValueId> values;
  struct Copy {
    ValueId part, whole;
  };
  std::vector<Copy> copies = {};
};

struct OrdinaryInstruction {
  int node;
  int packed = -1;  // in Program::packed: the right operand, if it is one
};

struct CopyInstruction {
  Place from, to;
  Index columns;
  int of_state = -1;  // the state whose stack this fills: not where that is chained
};

// Remembers a value whose rows lie along a later axis: rows first, as all stacks have them.
struct ArrangeInstruction {
  ValueId value;
  Place to;
};

// How a state becomes the next one, where all rows count at all steps; else it is copied.
struct HandOver {
  enum Kind : char {
    copied,
    chained,    // the next state is remembered, and the step after reads it there
    exchanged,  // the memory of the state and that of the next one change places
  } kind = copied;
  Place next;
  int stack = -1;  // of a chained one: the buffer that remembers the states that steps begin with
};

using Instruction = std::variant<ProductInstruction, ElementInstruction, OrdinaryInstruction,
                                 CopyInstruction, ArrangeInstruction>;

struct Program {
  Step step;
  std::vector<Dependence> depends;  // of the step, by value
  std::vector<int> readers;         // by value: the nodes that read it, and one more for a result
  Rows rows;
  Fates fates;
  std::vector<Buffer> buffers;
  std::vector<std::optional<Place>> places;  // by value: of those that the loop keeps in memory
  std::vector<std::optional<Place>> stacks;  // by value: of those it remembers for every step
  std::vector<bool> read_afterwards;         // by value: when the loop is done
  std::vector<int> totals;  // nodes after the loop that add rows up; others are made of these
  std::vector<Instruction> loop;
  std::vector<ValueId> packed;          // right operands of products in it
  std::map<ValueId, RecipeOf> recipes;  // of these, and of those of products outside of the loop
  std::string_view together;     // why one worker runs all rows; empty: workers may share them
  ColumnSplit columns;           // whose an instruction's are; shared only where rows are apart
  bool by_table = true;          // small tables are multiplied first (run/lookups.h)
  bool share_columns = false;    // wherever workers can, however little there is to do
  bool over_inputs = true;       // outputs may lie over spent inputs (run/spent_inputs.h)
  Index steps_at_a_time = 0;     // of a stretch of time, about so many
  std::string mixing;            // what mixes rows; empty: nothing, so some may be left out
  std::vector<HandOver> states;  // of each; no next state stands in the place of a state

  const std::optional<Place>& place(ValueId value) const { return places[at(value)]; }
  // Whether it multiplies rows by a matrix that has a recipe: then by that form, wherever it runs,
  // with the same bits for many steps as for one.
  bool is_packed_product(const Graph::Node& node) const;
};

struct ProgramOptions {
  FateOptions fates = {};
  bool pack = true, fuse = true, alias = true, by_table = true;
  Index steps_at_a_time = 0;   // of a stretch (run/stretches.h); 0: as many as the caches like
  bool share_columns = false;  // of workers: wherever they can, however little there is to do
  // All of it at every step, nothing remembered: a program for single steps. The bits are those
  // that the same step has where some of it runs before or after the loop.
  bool single_steps = false;
  friend bool operator==(const ProgramOptions&, const ProgramOptions&) = default;
};

Program compile(Step step, Index batch, const ProgramOptions& options = {});

}  // namespace engine
}  // namespace rw
