"""Files a department would send about the people of a town, with dirt, and what must be found."""
