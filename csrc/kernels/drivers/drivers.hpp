// The drivers, which are compiled once per instruction set, and what they call: the functions that
// a loss gives them.
#pragma once

#include "formulas.hpp"
#include "lists.hpp"
#include "row_functions.hpp"
#include "sequences.hpp"
#include "vectors.hpp"

namespace numloss::NUMLOSS_ISA {

// Computes blocks of elements, or only checks them and adds up their weights.
template <class T>
void run_elements(const Task& task, const ElementFunctions<T>& functions, const Blocks& blocks,
                  bool only_check, char* scratch);
// Computes a handful, the sum of its values where they are wanted. False: it holds something
// outside the domain, and nothing has been written.
template <class T>
bool run_handful(const Handful& handful, const ElementFunctions<T>& functions, double& loss);
// Bytes of working memory.
template <class T>
int64_t element_scratch(const Task& task);
// Elements that are copied at a time, 0 where they are read where they lie.
template <class T>
int64_t elements_copied(const Task& task);

// The same of rows of classes.
template <class T>
void run_classes(const Task& task, const RowFunctions<T>& functions, const Blocks& blocks,
                 bool only_check, char* scratch);
// A handful of rows, without their Hessian.
template <class T>
bool run_handful(const Handful& handful, const RowFunctions<T>& functions, double& loss);
template <class T>
int64_t row_scratch(const Task& task, const RowFunctions<T>& functions);
template <class T>
int64_t rows_copied(const Task& task);

// The same of lists.
template <class T>
void run_lists(const Task& task, const ListFunctions<T>& functions, const Blocks& blocks,
               bool only_check, char* scratch);
template <class T>
int64_t list_scratch(const Task& task, const ListFunctions<T>& functions);

// The same of examples of several rows.
template <class T>
void run_vectors(const Task& task, const VectorFunctions<T>& functions, const Blocks& blocks,
                 bool only_check, char* scratch);
template <class T>
int64_t vector_scratch(const Task& task);

// The same of sequences.
template <class T>
void run_sequences(const Task& task, const SequenceFunctions& functions, const Blocks& blocks,
                   bool only_check, char* scratch);
template <class T>
int64_t sequence_scratch(const Task& task, const SequenceFunctions& functions);

}  // namespace numloss::NUMLOSS_ISA
