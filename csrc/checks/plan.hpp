// A loss with its parameters: all that is known of a call before its arrays.
#pragma once

#include "fault.hpp"
#include "losses.hpp"

namespace numloss {

// A parameter as a client hands it in; which member counts follows from the parameter.
struct Setting {
  bool given;  // else the default
  bool is_none;
  double number;  // of numbers; of switches 0 or 1; of choices the index
  int64_t integer;
  const Array* array;  // of arrays; a distance may be a choice instead
};

struct Plan {
  const Loss* loss;
  int labels_kernel, soft_kernel, columns_kernel;  // -1 where there is none
  Domain prediction, second_head, target;
  double numbers[kMaxParameters];
  double label_smoothing;
  double softness;     // the temperature of soft labels; 0: costs are wanted instead
  double temperature;  // of the scores
  double softcap;      // of the scores; 0: none
  double z_loss;
  bool log_target;
  bool any_sum;
  double prior_scale;
  const Array* priors;
  const Array* mask;
  int64_t ignore_index;
  int64_t axis;
  bool sets_ignore_index;  // to another than the default
  int distance;            // of the named ones; -1 where there is none
  const Array* distances;
  const Array* groups;
  const Array *input_lengths, *target_lengths;
  int64_t blank;
  const char* distances_name;
  const Array* transition;
  const Array* class_weight;
  const Array* class_factor;
  const char* class_factor_name;
  const Array* of_columns;
  const char* of_columns_name;
  Range columns_range;
  const Array* per_column;
  const char* per_column_name;
  Roles extras;         // outputs that are asked for beside those of the mode
  bool is_plain_label;  // no parameter means more to labels than the numbers of their kernel
};

// The plan of a loss with all its defaults: made once.
const Plan& default_plan(const Loss& loss);

// Takes in `settings`, one for each parameter of the loss. False: one lies outside its range.
bool make_plan(const Loss& loss, const Setting* settings, Plan& plan, Fault& fault);

}  // namespace numloss
